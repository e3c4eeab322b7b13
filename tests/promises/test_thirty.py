"""The feature files and the gallery of twins, without running either."""

import ast
from pathlib import Path

import pytest
from pytest_bdd.feature import get_features

from features.harness.promises import PROMISES, promise_of
from features.harness.targets import NEEDS
from features.twins.gallery import PROJECT, Twin, gallery

FEATURES = get_features([str(PROJECT / "features")])
SCENARIOS = [scenario for feature in FEATURES for scenario in feature.scenarios.values()]
DOCUMENT = (PROJECT / "docs/promises.md").read_text("utf-8")


def test_six_files_hold_the_promises() -> None:
    names = {Path(feature.filename).stem for feature in FEATURES}
    assert names == {"append", "delivery", "projection", "isolation", "evolution", "audit"}


def test_each_promise_is_kept_by_a_scenario_that_is_called_so() -> None:
    first = {}
    for scenario in SCENARIOS:
        number = promise_of(scenario.tags)
        assert number, f"{scenario.name}: which promise does it keep?"
        first.setdefault(number, scenario.name)
    assert first.keys() == PROMISES.keys()
    told = {number: name for number, name in first.items() if number not in (3, 12)}
    assert told == {number: PROMISES[number] for number in told}


def test_a_tag_is_a_promise_or_a_need() -> None:
    unknown = {
        tag for each in SCENARIOS for tag in each.tags if tag not in NEEDS and not promise_of([tag])
    }
    assert unknown == set()


@pytest.mark.parametrize("tags", [["promise-31"], ["promise-0"], ["promise-1", "promise-2"]])
def test_a_wrong_promise_is_refused(tags: list[str]) -> None:
    with pytest.raises(ValueError, match="one of the 30 promises"):
        promise_of(tags)


def test_each_promise_has_a_twin_that_breaks_it() -> None:
    assert {twin.breaks for twin in gallery()} == PROMISES.keys()
    names = [twin.name for twin in gallery()]
    assert len(set(names)) == len(names) >= 20


@pytest.mark.parametrize("twin", gallery(), ids=lambda twin: twin.name.replace(" ", "-"))
def test_a_twin_is_still_a_defect_of_this_code(twin: Twin) -> None:
    texts: dict[str, str] = {}
    for edit in twin.edits:
        before = texts.get(edit.file) or (PROJECT / edit.file).read_text("utf-8")
        texts[edit.file] = twin.edited(edit, before)
    for file, text in texts.items():
        ast.parse(text, file)


def test_the_page_about_the_promises_lists_them() -> None:
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| ")]
    for number, promise in PROMISES.items():
        assert any(row.startswith(f"| {number} | {promise}") for row in rows), number
