"""The scenarios on a stack that is known by its saved outputs and its endpoint alone, as one on
LocalStack or AWS is. The rebuilds are left to a run by hand: they take a minute."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bitacora.embedded.environment import PROJECT, REGION, Environment

TIMEOUT_S = 300
PROMISES = (5, 10, 12, 18, 22, 28)


@pytest.fixture
def saved(environment: Environment, tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(dict(environment.outputs)))
    return file


def scenarios(
    environment: Environment, target: str, saved: Path, promises: tuple[int, ...], **variables: str
) -> list[ElementTree.Element]:
    """What became of them, as JUnit's testcase elements. All have to pass or be skipped."""
    bitacora = Path(sys.executable).with_name("bitacora")
    told = saved.with_name(f"{target}.xml")
    options: dict[str, Any] = {
        "--target": target,
        "--outputs": saved,
        "--tokens": f"'{bitacora}' --home '{environment.home}' token --customer {{subject}}",
        "--junitxml": told,
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "features", "-q", "-n0"),
            *(str(word) for option in options.items() for word in option),
            *(str(word) for promise in promises for word in ("--promise", promise)),
        ],
        cwd=PROJECT,
        env={**os.environ, "AWS_DEFAULT_REGION": REGION, **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return list(ElementTree.parse(told).iter("testcase"))


def test_localstack_runs_what_needs_no_fault(environment: Environment, saved: Path) -> None:
    host = environment.endpoint.removeprefix("http://")
    cases = scenarios(environment, "localstack", saved, PROMISES, LOCALSTACK_HOST=host)
    reasons = [skipped.get("message", "") for case in cases for skipped in case.iter("skipped")]
    assert len(cases) - len(reasons) >= len(PROMISES) - 1
    assert reasons, "promise 10 needs partial refusals, which nobody can order there"
    assert all(reason.startswith("not applicable on localstack: ") for reason in reasons)


def test_aws_is_where_the_usual_variables_say(environment: Environment, saved: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    variables = {"AWS_ENDPOINT_URL": environment.endpoint, **keys}
    cases = scenarios(environment, "aws", saved, (12,), **variables)
    assert cases[0].find("skipped") is None
