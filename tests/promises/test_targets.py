"""Targets that cannot be used end a run of scenarios with a reason, before any of them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bitacora.embedded.problem import Problem, UsageProblem
from features.harness.deployed import LocalStackStack, Tokens
from features.twins.gallery import PROJECT
from tests.emulator import Emulator

TIMEOUT_S = 60
NOWHERE = "127.0.0.1:9"
OUTPUTS = {"disposable": True, "events_table": "events"}


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The scenarios of one promise on another target."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "features",
        "-q",
        "-n0",
        "--assert=plain",
        "--promise",
        "12",
    ]
    return subprocess.run(
        [*command, *arguments],
        cwd=PROJECT,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    return file


def test_an_unknown_target_is_refused_with_those_there_are() -> None:
    done = run("--target", "azure")
    assert done.returncode == 4
    assert "embedded" in done.stderr
    assert "localstack" in done.stderr


@pytest.mark.parametrize("target", ["aws", "localstack"])
def test_a_target_without_a_stack_is_refused(target: str) -> None:
    done = run("--target", target)
    assert done.returncode == 2, done.stdout
    assert f"--target {target} needs a stack" in done.stdout + done.stderr


def test_a_stack_that_is_not_disposable_is_refused(saved: Path) -> None:
    saved.write_text(json.dumps({**OUTPUTS, "disposable": False}))
    done = run("--target", "aws", "--outputs", str(saved), "--tokens", "echo {subject}")
    assert done.returncode == 2, done.stdout
    assert "is not disposable" in done.stdout + done.stderr


def test_a_stack_of_an_older_program_is_no_disposable_one(saved: Path) -> None:
    saved.write_text(json.dumps({"events_table": "events"}))
    done = run("--target", "aws", "--outputs", str(saved), "--tokens", "echo {subject}")
    assert done.returncode == 1, done.stdout
    assert "has no output 'disposable'" in done.stdout + done.stderr


def test_a_localstack_that_does_not_answer_is_told(saved: Path) -> None:
    done = run(
        *("--target", "localstack", "--outputs", str(saved), "--tokens", "echo {subject}"),
        LOCALSTACK_HOST=NOWHERE,
    )
    assert done.returncode == 1, done.stdout
    assert f'Could not connect to the endpoint URL: "http://{NOWHERE}/' in done.stdout + done.stderr


def test_localstack_is_where_its_usual_variables_say(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, saved: Path
) -> None:
    monkeypatch.setenv("LOCALSTACK_HOST", emulator.endpoint.removeprefix("http://"))
    stack = LocalStackStack(str(saved), saved)
    assert stack.client("sts").get_caller_identity()["Account"] == "000000000000"
    assert stack.client("sts") is stack.client("sts")


def test_a_host_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    monkeypatch.setenv("LOCALSTACK_HOST", "localhost:none")
    with pytest.raises(UsageProblem, match="LOCALSTACK_HOST"):
        LocalStackStack(str(saved), saved).client("sts")


def test_a_token_is_what_the_command_prints() -> None:
    assert Tokens("echo token-of-{subject}-{scope}").token("ana", "read") == "token-of-ana-read"


@pytest.mark.parametrize("command", ["false", "true", "no-such-command {subject}"])
def test_a_command_that_prints_no_token_is_told(command: str) -> None:
    with pytest.raises(Problem, match="No token for ana"):
        Tokens(command).token("ana", "")


def test_a_subject_is_no_shell_line() -> None:
    asked: Mapping[str, Any] = {"subject": "ana; echo mallory"}
    assert Tokens("echo {subject}").token(asked["subject"], "") == "ana; echo mallory"
