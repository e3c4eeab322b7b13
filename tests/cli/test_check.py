"""`bitacora check` decides on a file of JSON lines, and refuses what is none."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import run_in

LABELLED = Path(__file__).parents[1] / "audit" / "history" / "labelled"
POSSIBLE = LABELLED / "holds--the-store-has-it-all.jsonl"
IMPOSSIBLE = LABELLED / "backwards-read--an-older-version-than-before.jsonl"
NOTHING = LABELLED / "unknown--nothing-but-failures.jsonl"
READ = (
    b'{"op":"read","client":"c","stream":"s","invoked":0,"returned":1,"outcome":"ok","version":0}\n'
)


def test_what_is_possible_holds_with_exit_code_0(tmp_path: Path) -> None:
    done = run_in(tmp_path, "check", str(POSSIBLE))

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Verdict: holds, as far as something was observed. (9 operations")


def test_what_can_not_have_been_is_told_with_its_lines(tmp_path: Path) -> None:
    done = run_in(tmp_path, "check", str(IMPOSSIBLE))

    assert done.returncode == 1
    assert "Verdict: violated, what was observed breaks monotonic-reads. (" in done.stdout
    assert "backwards-read in order-1: A client was told an older version" in done.stdout
    piece = re.findall(r"^  line (\d+)  (.+)$", done.stdout, re.MULTILINE)
    third, fourth = IMPOSSIBLE.read_text().splitlines()[2:]
    assert [(number, json.loads(line)) for number, line in piece] == [
        ("3", json.loads(third)),
        ("4", json.loads(fourth)),
    ]


def test_a_program_gets_one_document(tmp_path: Path) -> None:
    done = run_in(tmp_path, "check", "-", "--json", stdin=IMPOSSIBLE.read_text())
    document = json.loads(done.stdout)

    assert done.returncode == 1
    assert document["verdict"] == "violated"
    assert document["promises"]["monotonic-reads"] == "violated"
    assert document["promises"]["store"] == "unknown"
    (finding,) = document["findings"]
    assert finding["lines"] == [3, 4]
    assert finding["piece"] == [
        json.loads(line) for line in IMPOSSIBLE.read_text().splitlines()[2:]
    ]
    assert list(document["meanings"]) == ["backwards-read"]


def test_nothing_observed_is_unknown_with_exit_code_1(tmp_path: Path) -> None:
    done = run_in(tmp_path, "check", str(NOTHING))

    assert done.returncode == 1
    assert done.stdout.startswith("Verdict: unknown, nothing was observed")


def test_a_promise_that_was_expected_has_to_be_observed(tmp_path: Path) -> None:
    expect = ("--expect", "store", "--expect", "read-your-writes")
    done = run_in(tmp_path, "check", str(POSSIBLE), *expect)

    assert done.returncode == 1
    assert done.stdout.startswith("Verdict: unknown, what was expected was not observed")
    assert run_in(tmp_path, "check", str(POSSIBLE), *expect[:2]).returncode == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "Line 1: It is empty."),
        (READ + b"\n" + READ, "Line 2: It is empty."),
        (READ + READ[:50], "Line 2: It is cut off, or no JSON"),
        (READ + b"{'op': 'read'}\n", "Line 2: It is no JSON"),
        (READ[:-1] + READ, "Line 1: It is no JSON"),
        (READ + b"\x00\x01\xff\xfe" * 100, "Line 2: It is cut off, or no JSON"),
        (READ.replace(b'"c"', b'"\xff"'), "Line 1: It is no JSON ('utf-8'"),
        (READ + b"[1]\n", "Line 2: Expected `object`, got `array`"),
        (READ.replace(b"read", b"reed"), "Line 1: Invalid value 'reed' - at `$.op`"),
        (READ.replace(b"outcome", b"result"), "Line 1: Object contains unknown field `result`"),
        (READ.replace(b'"client":"c",', b""), "Line 1: Object missing required field `client`"),
        (
            READ.replace(b'"version":0', b'"version":"0"'),
            "Line 1: Expected `int | null`, got `str`",
        ),
        (READ.replace(b'"version":0', b'"version":-1'), "Line 1: Expected `int` >= 0"),
        (READ.replace(b',"version":0', b""), "Line 1: A read that is ok needs its version."),
        (READ.replace(b'"invoked":0', b'"invoked":2'), "Line 1: It returned (1) before"),
        (READ.replace(b'"invoked":0', b'"invoked":NaN'), "Line 1: It is no JSON"),
        (READ.replace(b'"invoked":0', b'"invoked":1e999'), "Line 1: Number out of range"),
        (READ + b"x" * 2**20, "Line 2: It is longer than 1,048,576 bytes"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(content)
    done = run_in(tmp_path, "check", str(path))

    assert done.returncode == 2
    assert says in done.stderr
    assert "\n  → " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_what_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path, f"{tmp_path} is a directory."),
        (tmp_path / "none.jsonl", "none.jsonl can't be read: No such file or directory."),
    ):
        done = run_in(tmp_path, "check", str(path))
        assert done.returncode == 2
        assert says in done.stderr
