"""`bitacora contracts …` as a person, a program and a workflow meet it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from bitacora.cli.app import app
from bitacora.cli.contracts import ModeName, ReadingName
from bitacora.cli.contracts_report import annotation
from bitacora.contracts.compatibility import Mode
from bitacora.contracts.reading import Reading
from tests.cli.conftest import BITACORA
from tests.contracts.generate.repository import Repository
from tests.contracts.planted import CANCELLED, PLACED, PUBLIC, Contracts

COMMANDS = ("check", "diff", "generate", "release", "draft")
V1 = f"{CANCELLED}/v1.json"
NOTE = {"description": "What the customer said.", "type": "string", "maxLength": 200}


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contracts:
    """A project of its own, and the person stands in it."""
    made = Contracts.copied(tmp_path / "project" / "contracts")
    monkeypatch.chdir(tmp_path / "project")
    return made


@pytest.fixture
def run(contracts: Contracts) -> Run:
    """run("check", "--against", "main") in the project; the folder is given to every command."""

    def run_here(command: str, *arguments: str) -> Done:
        given = ["contracts", command, *arguments, "--contracts", "contracts"]
        done = CliRunner().invoke(app, given, catch_exceptions=False, prog_name="bitacora")
        return Done(done.exit_code, done.stdout, done.stderr)

    return run_here


def required_note(contracts: Contracts) -> None:
    """order_cancelled v2 that demands what v1 does not have."""
    file = contracts.next_version(CANCELLED, 2)
    contracts.put(file, "/properties/note", NOTE)
    contracts.put(file, "/required", ["reason", "note"])
    for form in ("minimal", "full"):
        contracts.put(f"{CANCELLED}/examples/v2-{form}.json", "/note", "Too late.")
    bad = f"{CANCELLED}/examples/v2-bad.json"
    for index in range(len(contracts.read(bad))):
        contracts.put(bad, f"/{index}/data/note", "Too late.")


def optional_note(contracts: Contracts) -> None:
    required_note(contracts)
    contracts.put(f"{CANCELLED}/v2.json", "/required", ["reason"])
    contracts.drop(f"{CANCELLED}/examples/v2-minimal.json", "/note")


# Help.


def test_the_names_of_the_options_are_those_of_the_checker() -> None:
    assert {*Mode.__members__} - {"NONE"} == {*ModeName}
    assert {reading.value for reading in Reading} == {*ReadingName}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_the_exit_codes(command: str) -> None:
    done = CliRunner().invoke(app, ["contracts", command, "--help"], prog_name="bitacora")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: bitacora contracts {command}")
    assert "Exit codes: 0 all is well, 1 refused" in done.stdout


def test_help_lists_the_commands_in_full() -> None:
    done = CliRunner().invoke(app, ["contracts", "--help"])
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert "..." not in done.stdout.partition("Commands:")[2]


# The folder.


def test_a_sound_folder_is_told_in_a_line(run: Run) -> None:
    done = run("check")
    assert done == Done(0, done.out, "")
    assert "0 findings" in done.out
    assert len(done.out.splitlines()) == 1


def test_a_finding_is_told_with_place_and_remedy(run: Run, contracts: Contracts) -> None:
    contracts.drop(V1, "/properties/reason/description")
    done = run("check")
    assert done.code == 1
    head, what, remedy, _ = done.out.splitlines()
    assert head.startswith(f"contracts/{V1}:")
    assert "[description]" in head
    assert what == "  /properties/reason has no description."
    assert remedy.startswith("  → ")
    assert "\x1b" not in done.out


def test_the_line_is_the_one_to_open(run: Run, contracts: Contracts) -> None:
    contracts.put(V1, "/properties/reason/title", 5)
    (finding,) = json.loads(run("check", "--format", "json").out)["findings"]
    line = (contracts.root / V1).read_text().splitlines()[finding["line"] - 1]
    assert line.strip() == '"title": 5,'
    assert finding["file"] == f"contracts/{V1}"


def test_making_a_field_required_is_refused_with_the_event(run: Run, contracts: Contracts) -> None:
    required_note(contracts)
    done = run("check")
    assert done.code == 1
    assert f"{CANCELLED}/v1 → v2 (BACKWARD_TRANSITIVE): incompatible" in done.out
    assert "\n  v1 may be written so, and v2 refuses it:\n" in done.out
    assert '    {\n      "reason": "other"\n    }\n' in done.out
    assert "'note' is a required property" in done.out
    assert "x-upcast" in done.out
    assert max(map(len, done.out.splitlines())) <= 100


def test_json_is_one_document(run: Run, contracts: Contracts) -> None:
    required_note(contracts)
    done = run("check", "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["fine"], document["findings"]) == (1, False, [])
    (refused,) = [each for each in document["comparisons"] if each["verdict"] == "incompatible"]
    (counterexample,) = refused["counterexamples"]
    assert counterexample["instance"] == {"reason": "other"}
    assert [reason["keyword"] for reason in counterexample["reasons"]] == ["required"]


def test_a_workflow_gets_annotations(run: Run, contracts: Contracts) -> None:
    required_note(contracts)
    contracts.drop(V1, "/properties/reason/description")
    done = run("check", "--format", "github")
    assert done.code == 1
    finding, comparison, _ = done.out.splitlines()
    assert finding.startswith(f"::error file=contracts/{V1},line=")
    assert ",title=description::/properties/reason has no description." in finding
    assert comparison.startswith(f"::error file=contracts/{CANCELLED}/v2.json,line=1,title=")
    assert '%0A      "reason": "other"%0A' in comparison


def test_an_annotation_is_escaped_as_the_workflow_reads_it() -> None:
    written = annotation("a,b:c.json", 3, "100%", "50%\r\n::error::x, y: z")
    assert written == (
        "::error file=a%2Cb%3Ac.json,line=3,title=100%25::50%25%0D%0A::error::x, y: z"
    )
    assert annotation("", None, "t", "m") == "::error title=t::m"


def test_against_a_revision(run: Run, contracts: Contracts) -> None:
    contracts.release()
    contracts.commit()
    assert run("check", "--against", "main").code == 0
    contracts.put(V1, "/description", "Other words.")
    (contracts.root / "released.lock").unlink()
    contracts.release()
    assert run("check").code == 0
    done = run("check", "--against", "main")
    assert done.code == 1
    assert f"contracts/{V1}" in done.out
    assert "[released-against]" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "nowhere"], "git knows no revision nowhere"),
        (["--against", "--output=x"], "no name of a git revision"),
        (["--against", ""], "no name of a git revision"),
        (["--mode", "FULL"], "--mode goes with two schemas"),
        (["--mode", "HALF"], "--mode"),
        (["--format", "xml"], "--format"),
        ([V1], "second schema is missing"),
        ([V1, V1, "--against", "main"], "--against goes with the whole folder"),
    ],
)
def test_wrong_usage_ends_with_2(
    run: Run, contracts: Contracts, arguments: list[str], said: str
) -> None:
    contracts.commit()
    done = run("check", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_without_a_checkout_there_is_no_revision(run: Run) -> None:
    done = run("check", "--against", "main")
    assert done.code == 2
    assert "not in a git checkout" in done.err


@pytest.mark.parametrize("command", [["check"], ["release"], ["draft", "x"], ["generate"]])
def test_a_folder_that_is_none_is_said(contracts: Contracts, command: list[str]) -> None:
    given = ["contracts", *command, "--contracts", "nowhere"]
    done = CliRunner().invoke(app, given, catch_exceptions=False)
    assert done.exit_code == 2
    assert "nowhere is no folder" in done.stderr


# Two schemas.


def test_two_names(run: Run, contracts: Contracts) -> None:
    optional_note(contracts)
    old, new = "internal/order_cancelled/v1", "internal/order_cancelled"
    assert run("check", old, new).out == "BACKWARD: compatible\n"
    forward = run("check", old, new, "--mode", "FULL_TRANSITIVE")
    assert (forward.code, forward.out) == (0, "FULL_TRANSITIVE: compatible\n")
    strict = run("check", old, new, "--mode", "FORWARD", "--reading", "strict")
    assert strict.code == 1
    assert '"note": "' in strict.out


def test_two_files_anywhere(run: Run, contracts: Contracts, tmp_path: Path) -> None:
    contracts.write("../old.json", {"type": "integer", "maximum": 10})
    contracts.write("../new.json", {"type": "integer", "maximum": 5})
    done = run("check", "old.json", str(tmp_path / "project" / "new.json"))
    assert done.code == 1
    assert "BACKWARD: incompatible" in done.out
    assert run("check", "new.json", "old.json").code == 0
    document = json.loads(run("check", "old.json", "new.json", "--format", "json").out)
    assert document["verdict"] == "incompatible"
    assert 5 < document["counterexamples"][0]["instance"] <= 10
    github = run("check", "old.json", "new.json", "--format", "github")
    assert github.out.startswith("::error file=new.json,line=1,title=BACKWARD%3A incompatible::")


def test_files_may_refer_to_files_beside_them_and_to_types(run: Run, contracts: Contracts) -> None:
    contracts.write("../price.json", {"type": "integer", "maximum": 10})
    money = {"$ref": "urn:bitacora:type:money:v1"}
    old = {"properties": {"price": {"$ref": "price.json"}, "total": money}}
    contracts.write("../old.json", old)
    contracts.write("../new.json", {"properties": {"price": {"maximum": 9}, "total": money}})
    done = run("check", "old.json", "new.json")
    assert (done.code, '"price": 10' in done.out) == (1, True)


def test_a_file_of_the_folder_is_read_with_the_folder(run: Run) -> None:
    done = run("check", f"contracts/{PLACED}/v2.json", f"contracts/{PLACED}/v3.json")
    assert done.code == 1
    assert "/total" in done.out


def test_a_revision_beside_what_stands_now(run: Run, contracts: Contracts) -> None:
    contracts.commit()
    contracts.put(V1, "/properties/reason/enum", ["other"])
    done = run("check", f"main:{CANCELLED}/v1", f"{CANCELLED}/v1")
    assert done.code == 1
    assert f"main:{CANCELLED}/v1 may be written so" in done.out
    assert run("check", f"main:contracts/{V1}", f"contracts/{V1}").code == 1


UNREADABLE: list[tuple[bytes | Any, str]] = [
    (b"", "is empty"),
    (b"{", "is no JSON"),
    (b'{\n "a": }', ":2: is no JSON"),
    (bytes(range(256)), "no UTF-8"),
    (None, "is no schema"),
    (3, "is no schema"),
    ([], "is no schema"),
    ({"type": "strin"}, "at /type: is no valid schema"),
    ({"$schema": 5}, "at /$schema"),
    ({"properties": {"a": {"$ref": "#/$defs/x"}}}, "at /properties/a/$ref"),
    ({"properties": {"a": {"$ref": "https://example.com/x"}}}, "nothing is ever fetched"),
    ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "leads nowhere"),
    ({"properties": {"a": {"$ref": "../secret.json"}}}, "leads nowhere"),
    ({"$ref": "#"}, "refers to itself without end"),
    (b'{"type": "object",\n"type": "string"}', ":2 at /type: stands twice"),
    (b'{"properties":{"a":' * 400 + b"{}" + b"}}" * 400, "nested too deeply"),
    (b" " * 5_000_000, "4.8 MiB"),
    (b"1" * 5_000, "too many digits"),
]


@pytest.mark.parametrize(("content", "said"), UNREADABLE)
@pytest.mark.parametrize("command", ["check", "diff"])
def test_a_file_that_is_no_schema_is_named(
    run: Run, contracts: Contracts, command: str, content: bytes | Any, said: str
) -> None:
    contracts.write("../../secret.json", {})
    contracts.write("../fine.json", {"type": "object"})
    contracts.write("../bad.json", content)
    for pair in (("bad.json", "fine.json"), ("fine.json", "bad.json")):
        done = run(command, *pair)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("Error: bad.json")
        assert said in done.err


def test_what_is_no_file_is_named(run: Run, contracts: Contracts) -> None:
    contracts.write("../fine.json", {})
    project = contracts.root.parent
    (project / "dangling.json").symlink_to("/nowhere")
    os.mkfifo(project / "pipe.json")
    for name, said in (
        ("contracts", "is a folder"),
        ("dangling.json", "cannot be read"),
        ("pipe.json", "no regular file"),
        ("gone.json", "There is no file gone.json"),
        ("order_canceled", "There is no schema 'order_canceled'"),
        ("order_cancelled", "may be events/internal/order_cancelled or"),
        ("order_placed/v9", "has no v9"),
        ("nowhere:order_placed", "not in a git checkout"),
    ):
        done = run("check", name, "fine.json")
        assert (done.code, done.out) == (2, "")
        assert said in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(run: Run, contracts: Contracts) -> None:
    contracts.write("../locked.json", {})
    (contracts.root.parent / "locked.json").chmod(0)
    done = run("check", "locked.json", "locked.json")
    assert (done.code, "Permission denied" in done.err) == (2, True)


def test_a_recursive_schema_is_compared(run: Run, contracts: Contracts) -> None:
    contracts.write("../old.json", {"properties": {"a": {"$ref": "#"}}, "type": "object"})
    contracts.write("../new.json", {"properties": {"a": {"$ref": "#"}}})
    assert run("check", "old.json", "new.json").code == 0


def test_nothing_is_ever_fetched(
    run: Run, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    contracts.put(f"{PLACED}/v3.json", "/properties/total/$ref", "https://example.com/money")
    done = run("check")
    assert done.code == 1
    assert f"contracts/{PLACED}/v3.json" in done.out
    assert "nothing is ever fetched" in done.out


# What changed.


def test_a_change_is_explained_and_judged(run: Run, contracts: Contracts) -> None:
    required_note(contracts)
    done = run("diff", "internal/order_cancelled/v1", "internal/order_cancelled/v2")
    assert done.code == 0
    said, _, judged = done.out.partition("\n\n")
    assert said == "/note\n  a field was added; it is required"
    backward, forward = judged.split("\n\n")
    assert backward.startswith("BACKWARD: incompatible\n")
    assert '"reason": "other"' in backward
    assert forward.startswith("FORWARD: compatible\n")
    assert max(map(len, done.out.splitlines())) <= 100


def test_a_change_as_a_document(run: Run) -> None:
    name = "public/order_confirmed"
    document = json.loads(run("diff", f"{name}/v1", f"{name}/v2", "--format", "json").out)
    (change,) = document["changes"]
    assert (change["pointer"], change["kind"]) == ("/total", "field-added-optional")
    assert document["backward"]["verdict"] == document["forward"]["verdict"] == "compatible"


def test_nothing_changed(run: Run) -> None:
    assert run("diff", PUBLIC, PUBLIC).out.startswith("Nothing changed.\n")


# Release and draft.


def test_a_release_says_what_it_added(run: Run, contracts: Contracts) -> None:
    done = run("release")
    assert done.code == 0
    assert f"Released {CANCELLED}/v1\n" in done.out
    assert (contracts.root / "released.lock").is_file()
    assert run("release").out == "Nothing is new: every version is released.\n"


def test_nothing_is_released_while_something_is_wrong(run: Run, contracts: Contracts) -> None:
    required_note(contracts)
    done = run("release")
    assert done.code == 1
    assert "incompatible" in done.out
    assert done.out.endswith("Nothing was released.\n")
    assert not (contracts.root / "released.lock").exists()


def test_a_draft_says_what_to_edit(run: Run, contracts: Contracts) -> None:
    run("release")
    done = run("draft", "internal/order_cancelled")
    assert done.code == 0
    assert f"Wrote contracts/{CANCELLED}/v2.json\n" in done.out
    assert f"Edit contracts/{CANCELLED}/v2.json." in done.out
    assert "kit:writes" in done.out
    assert run("check").code == 0
    again = run("draft", "internal/order_cancelled")
    assert (again.code, "not released yet" in again.err) == (1, True)
    assert run("draft", "order_cancelled").code == 2


# What follows from the contracts.


def test_what_follows_is_written_and_then_stale_when_the_contracts_move_on(
    tmp_path: Path,
) -> None:
    project = Repository.copied(tmp_path / "whole")

    def run(*arguments: str) -> Done:
        given = ["contracts", *arguments, "--contracts", str(project.root / "contracts")]
        done = CliRunner().invoke(app, given, catch_exceptions=False)
        return Done(done.exit_code, done.stdout, done.stderr)

    stale = run("generate", "--check")
    assert (stale.code, "Stale: docs/catalogue.md\n" in stale.out) == (1, True)
    assert not (project.root / "docs").exists()
    assert "Wrote docs/catalogue.md\n" in run("generate").out
    fine = Done(0, "All generated files follow from the contracts.\n", "")
    assert run("generate", "--check") == run("generate") == fine
    assert run("check").code == 0
    (project.root / "contracts/released.lock").unlink(missing_ok=True)
    project.change(V1, lambda schema: schema.update(description="The customer changed plans."))
    checked = run("check")
    assert checked.code == 1
    # A long path is broken where the screen ends.
    assert "docs/catalogue.md  [stale]" in checked.out.replace("\n", "")
    assert "→ Run `bitacora contracts generate`." in checked.out


# Processes of their own.


def test_no_mistake_ends_in_a_traceback(contracts: Contracts) -> None:
    contracts.write(V1, b'{"title": ')
    for arguments, code in (
        (["check", "--contracts", "contracts"], 1),
        (["check", f"contracts/{V1}", f"contracts/{V1}"], 2),
        (["generate", "--check", "--contracts", "contracts"], 1),
    ):
        command = [str(BITACORA), "contracts", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        assert V1 in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_colours_are_for_terminals(contracts: Contracts) -> None:
    contracts.drop(V1, "/description")
    script = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    command = [str(BITACORA), "contracts", "check", "--contracts", "contracts"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    assert "\x1b[" in done.stdout
