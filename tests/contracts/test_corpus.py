"""The compatibility checker against a corpus of schema changes and against random ones.

The labels come from a search for counterexamples that knows nothing of the checker
(tests/contracts/corpus). A change that breaks a consumer is never called compatible.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from bitacora.contracts.compatibility import Comparison, Mode, compare
from bitacora.contracts.documents import Document
from bitacora.contracts.reading import Reading
from tests.contracts.corpus import label, random_pairs
from tests.contracts.corpus.search import ABSENT, QUICK, counterexample

THEMES = label.themes()
# More pairs, or others, for a longer search by hand.
RANDOM_PAIRS = int(os.environ.get("CORPUS_PAIRS", "150"))
RANDOM_SEED = int(os.environ.get("CORPUS_SEED", "0"))


class Judged(NamedTuple):
    """What the checker says about one direction of one case."""

    theme: str
    case: label.Case
    direction: str
    result: Comparison

    @property
    def label(self) -> str:
        return self.case[self.direction]

    @property
    def verdict(self) -> str:
        return self.result.verdict

    def __str__(self) -> str:
        reading, subset = self.case["reading"], ", in the subset" if self.case["subset"] else ""
        where = f"{self.theme}: {self.case['name']} ({reading}, {self.direction}{subset})"
        witness = self.case.get(f"{self.direction}_witness", "none was found")
        doubts = "".join(f"; {doubt.reason}" for doubt in self.result.doubts)
        shown = [f"; shows {c.instance!r}" for c in self.result.counterexamples]
        said = f"is {self.label}, called {self.verdict}{doubts}{''.join(shown)}"
        return f"{where}: {said}; counterexample: {witness!r}"


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    """The verdict on each case in each direction; a crash fails here, for every test."""
    return [
        Judged(theme, case, direction, _compared(case, direction))
        for theme, cases in THEMES.items()
        for case in cases
        for direction, _, _ in label.DIRECTIONS
    ]


# -- the corpus itself


def test_the_corpus_is_large_and_half_of_it_in_each_reading() -> None:
    cases = [case for theme in THEMES.values() for case in theme]
    readings = Counter(case["reading"] for case in cases)
    assert len(cases) >= 300
    assert sum(case["subset"] for case in cases) >= 160
    assert min(readings["strict"], readings["contract"]) >= 0.4 * len(cases)
    assert len(THEMES) >= 30


@pytest.mark.parametrize("theme", THEMES)
def test_each_label_incompatible_has_a_witness_that_both_validators_confirm(theme: str) -> None:
    for case in THEMES[theme]:
        for direction, _, _ in label.DIRECTIONS:
            witness = case.get(f"{direction}_witness", ABSENT)
            question = label.question(case, direction)
            assert (witness is ABSENT) == (case[direction] == "compatible"), case["name"]
            if witness is not ABSENT:
                assert question.broken_by(witness), (case["name"], direction, witness)
                assert question.broken_at_run_time(witness), (case["name"], direction, witness)


@pytest.mark.parametrize("theme", THEMES)
def test_a_case_is_in_the_subset_when_both_its_schemas_keep_to_it(theme: str) -> None:
    for case in THEMES[theme]:
        kept = label.in_subset(case["old"]) and label.in_subset(case["new"])
        assert case["subset"] == kept, case["name"]


def test_a_short_search_still_finds_what_the_labels_say() -> None:
    cases = [case for theme in THEMES.values() for case in theme][::12]
    asked = [(case, direction) for case in cases for direction, _, _ in label.DIRECTIONS]
    found: dict[str, Counter[bool]] = defaultdict(Counter)
    for case, direction in asked:
        witness = counterexample(label.question(case, direction), QUICK)
        found[case[direction]][witness is not ABSENT] += 1
    assert found["compatible"][True] == 0
    assert found["incompatible"][True] >= 0.9 * found["incompatible"].total()


# -- the checker on the corpus


def test_no_change_that_breaks_a_consumer_is_called_compatible(judged: list[Judged]) -> None:
    wrong = [j for j in judged if j.label == "incompatible" and j.verdict == "compatible"]
    assert not wrong, _listed(wrong, judged)


def test_no_change_that_breaks_nothing_is_called_incompatible(judged: list[Judged]) -> None:
    wrong = [j for j in judged if j.label == "compatible" and j.verdict == "incompatible"]
    assert not wrong, _listed(wrong, judged)


def test_in_the_subset_every_question_is_decided(judged: list[Judged]) -> None:
    undecided = [j for j in judged if j.case["subset"] and j.verdict == "undecided"]
    assert not undecided, _listed(undecided, judged)


def test_nine_of_ten_questions_are_decided_in_the_whole_corpus(judged: list[Judged]) -> None:
    undecided = [j for j in judged if j.verdict == "undecided"]
    assert len(undecided) <= 0.1 * len(judged), _listed(undecided, judged)


def test_each_counterexample_of_the_checker_is_confirmed(judged: list[Judged]) -> None:
    unconfirmed = [
        j
        for j in judged
        if not all(map(label.question(j.case, j.direction).broken_by, _shown(j.result)))
        or (j.verdict == "incompatible") != bool(_shown(j.result))
    ]
    assert not unconfirmed, _listed(unconfirmed, judged)


# -- the checker on random pairs


def test_no_random_change_that_breaks_a_consumer_is_called_compatible() -> None:
    wrong = []
    for case, direction in _random_questions():
        question, result = label.question(case, direction), _compared(case, direction)
        if result.verdict == "compatible":
            witness = counterexample(question, QUICK)
            if witness is not ABSENT:
                wrong.append((case["name"], direction, "called compatible", witness))
        elif not all(map(question.broken_by, _shown(result))):
            wrong.append((case["name"], direction, "shows what is none", _shown(result)))
    assert not wrong, "\n".join(map(str, wrong))


def test_random_changes_break_consumers_often_enough_to_tell() -> None:
    asked = [next(_random_questions(seed)) for seed in range(40)]
    broken = [counterexample(label.question(*each), QUICK) is not ABSENT for each in asked]
    assert 0.1 < sum(broken) / len(broken) < 0.9


def _random_questions(seed: int = RANDOM_SEED) -> Iterator[tuple[label.Case, str]]:
    """Each pair as a case without labels, in both directions; its name gives its seed."""
    for at, (old, new, reading) in enumerate(random_pairs.pairs(RANDOM_PAIRS, seed)):
        case = {"name": f"seed {seed}/{at}", "reading": reading, "old": old, "new": new}
        yield from ((case, direction) for direction, _, _ in label.DIRECTIONS)


def _compared(case: label.Case, direction: str) -> Comparison:
    mode, reading = Mode(direction.upper()), Reading(case["reading"])
    old, new = Document.of(case["old"], "old"), Document.of(case["new"], "new")
    return compare(old, new, mode, reading)


def _shown(result: Comparison) -> list[Any]:
    return [counterexample.instance for counterexample in result.counterexamples]


def _listed(wrong: list[Judged], judged: list[Judged]) -> str:
    """The cases, and a table of what the checker said per theme."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for each in judged:
        outcome = each.verdict if each.verdict in (each.label, "undecided") else "wrong"
        counts[each.theme][outcome] += 1
    outcomes = ("compatible", "incompatible", "undecided", "wrong")
    heading = f"{'':24}" + "".join(f"{outcome:>14}" for outcome in outcomes)
    table = (f"{t:24}" + "".join(f"{c[o]:14}" for o in outcomes) for t, c in counts.items())
    return "\n".join(["", *map(str, wrong), "", heading, *table])
