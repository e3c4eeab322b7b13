"""Small histories by what is wrong with them: `labelled/KIND--what-happened.jsonl`.

`labelled.json` has the lines of the piece that shows it. Those named `holds` are possible, and
those named `unknown` can't be decided.
"""

import json
from pathlib import Path

import pytest

from bitacora.audit.history import check
from bitacora.audit.history.findings import MEANINGS, PROMISED
from bitacora.audit.history.reading import read_history

HERE = Path(__file__).parent
LABELLED = sorted((HERE / "labelled").glob("*.jsonl"))
PIECES: dict[str, list[int]] = json.loads((HERE / "labelled.json").read_text())


def label(path: Path) -> str:
    return path.stem.partition("--")[0]


PLANTED = [path for path in LABELLED if label(path) in MEANINGS]
VALID = [path for path in LABELLED if label(path) == "holds"]
UNDECIDED = [path for path in LABELLED if label(path) == "unknown"]


@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.stem)
def test_what_was_planted_is_found_with_its_piece_and_nothing_else(path: Path) -> None:
    report = check(read_history(str(path)))

    assert [(each.kind, list(each.lines)) for each in report.findings] == [
        (label(path), PIECES[path.stem])
    ]
    assert report.verdict == "violated"
    violated = [name for name, verdict in report.promises.items() if verdict == "violated"]
    assert violated == [PROMISED[report.findings[0].kind]]


@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.stem)
def test_the_piece_is_the_lines_themselves(path: Path) -> None:
    history = read_history(str(path))
    (finding,) = check(history).findings

    assert list(finding.piece) == [history[line - 1] for line in finding.lines]


# What these miss was to be in the rest of the history.
BY_ABSENCE = {"lost-append", "missing-downstream"}


@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.stem)
def test_the_piece_shows_it_without_the_rest(path: Path) -> None:
    (finding,) = check(read_history(str(path))).findings

    if finding.kind not in BY_ABSENCE:
        assert finding.kind in {each.kind for each in check(finding.piece).findings}


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_nothing_is_found_in_what_is_possible(path: Path) -> None:
    report = check(read_history(str(path)))

    assert report.findings == ()
    assert report.undecided == ()
    assert report.verdict == "holds"


@pytest.mark.parametrize("path", UNDECIDED, ids=lambda path: path.stem)
def test_what_was_not_observed_or_not_decided_does_not_hold(path: Path) -> None:
    report = check(read_history(str(path)))

    assert report.findings == ()
    assert report.verdict == "unknown"


def test_every_kind_is_planted() -> None:
    assert {label(path) for path in PLANTED} == MEANINGS.keys()
    assert {path.stem for path in PLANTED} == PIECES.keys()
    assert len(PLANTED) >= 30
    assert len(VALID) >= 15
    assert len(PLANTED) + len(VALID) + len(UNDECIDED) == len(LABELLED)
