"""A stack is known by the outputs that the Pulumi CLI prints, or that were saved from it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from bitacora.embedded.problem import Problem, UsageProblem
from bitacora.targets import invoke, output
from bitacora.targets.stack import Stack

OUTPUTS = {"prefix": "orders-dev", "functions": {"operations": "orders-dev-operations"}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    return file


def pulumi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name on the PATH, in the place of the Pulumi CLI."""
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_saved_outputs_are_those_of_the_stack(saved: Path) -> None:
    assert Stack("dev", saved).outputs == OUTPUTS
    assert output(Stack("dev", saved), "prefix") == "orders-dev"


def test_the_pulumi_cli_is_asked_for_the_stack_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path, monkeypatch, f"""[ "$5" = "dev; rm -rf /" ] && echo '{json.dumps(OUTPUTS)}'""")
    assert Stack("dev; rm -rf /").outputs == OUTPUTS


def test_without_the_pulumi_cli_there_is_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="not on the PATH") as told:
        _ = Stack("dev").outputs
    assert "--outputs FILE" in told.value.remedy


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'error: no stack named dev found' >&2; exit 255", "no stack named dev found"),
        ("echo '{}'", "there are none"),
        ("echo 'Logging in'", "no JSON"),
    ],
)
def test_what_the_pulumi_cli_can_not_tell_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    pulumi(tmp_path, monkeypatch, script)
    with pytest.raises(Problem, match=told):
        _ = Stack("dev").outputs


@pytest.mark.parametrize("content", [None, "", "[]", "{", "\x00"])
def test_a_file_without_outputs_is_wrong_usage(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageProblem, match="outputs"):
        _ = Stack("dev", file).outputs


def test_a_missing_output_and_a_missing_function_are_named(saved: Path) -> None:
    stack = Stack("dev", saved)
    with pytest.raises(Problem, match="'events_table'"):
        output(stack, "events_table")
    with pytest.raises(Problem, match="'anchor'"):
        invoke(stack, "anchor", {})


class _Text(str):
    """An answer as it is, whether JSON or not."""


class Answering:
    """A Lambda that answers so: what an emulator can't be made to answer at will."""

    def __init__(self, payload: Any, error: str | None = None) -> None:
        self.payload, self.error = payload, error

    def invoke(self, **_: Any) -> dict[str, Any]:
        told = self.payload if isinstance(self.payload, _Text) else json.dumps(self.payload)
        answer = {"Payload": io.BytesIO(told.encode())}
        return answer | ({"FunctionError": self.error} if self.error else {})


def test_a_function_that_failed_is_a_problem_with_its_reason(saved: Path) -> None:
    stack = Stack("dev", saved)
    failed = {"errorType": "Unavailable", "errorMessage": "the database is away"}
    stack._clients["lambda"] = Answering(failed, "Unhandled")
    with pytest.raises(Problem, match="operations failed: Unavailable: the database is away"):
        invoke(stack, "operations", {})
    stack._clients["lambda"] = Answering({"error": "unknown operation 'x'"})
    with pytest.raises(Problem, match="unknown operation 'x'"):
        invoke(stack, "operations", {})
    stack._clients["lambda"] = Answering(_Text("<html>busy</html>"))
    with pytest.raises(Problem, match="operations answered what is no JSON"):
        invoke(stack, "operations", {})
    stack._clients["lambda"] = Answering({"done": True})
    assert invoke(stack, "operations", {}) == {"done": True}
