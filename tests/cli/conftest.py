"""The command line as a person runs it: a process of its own, one environment for all."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitacora.embedded.environment import PROJECT, Environment
from tests.homes import temporary_home

BITACORA = Path(sys.executable).with_name("bitacora")
TIMEOUT_S = 300

Run = Callable[..., subprocess.CompletedProcess[str]]


def command(home: Path, *arguments: str) -> list[str]:
    return [str(BITACORA), "--home", str(home), *arguments]


def run_in(home: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(home, *arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=PROJECT,
    )


@pytest.fixture(scope="package")
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="package")
def first_up(home: Path) -> dict[str, Any]:
    """What `up --json` printed for an empty home."""
    done = run_in(home, "up", "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def environment(home: Path, first_up: dict[str, Any]) -> Environment:
    """It runs, is provisioned, and every function is warm."""
    return Environment(home)


@pytest.fixture
def run(environment: Environment) -> Run:
    """run("status", "--json") on the running environment."""

    def run_here(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return run_in(environment.home, *arguments, stdin=stdin)

    return run_here
