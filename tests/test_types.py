"""The types of the whole project hold (`make lint` asks for them alone)."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOLD_WITHIN_S = 600
AWS = "pulumi_aws"


def test_types_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=TOLD_WITHIN_S,
        preexec_fn=lambda: os.nice(10),  # the scenarios run beside it, and have time limits
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_types_of_what_is_used_of_aws_are_read() -> None:
    """What pyproject.toml does not name would count as Any."""
    overrides = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    [read] = (each["module"] for each in overrides if each.get("follow_imports") == "normal")
    used = {
        node.attr
        for path in (PROJECT / "infra").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "aws"
    }
    assert {name.removeprefix(f"{AWS}.").removesuffix(".*") for name in read} == {AWS, *used}
