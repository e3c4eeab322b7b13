"""The service's own code keeps every promise, whatever goes wrong; and a broken part does not."""

from random import SystemRandom

import pytest

from bitacora.simulation.campaign import ALL, Summary, explained, judged, simulate, survey, surveys
from bitacora.simulation.faults import Fault
from bitacora.simulation.parts import Parts
from bitacora.simulation.shrink import again
from reference_service.cqrs.projection import Projected, Projector
from tests.simulation.broken import BROKEN

HISTORIES, FRESH = 4_500, 500
# Seeds within which each broken part must be found.
ENOUGH = 1_000
HANDFUL = 8


def test_five_thousand_histories_hold() -> None:
    """Most of them the same in every run; the others from a seed that is told when they fail."""
    fresh = SystemRandom().randrange(10**9)
    summary = Summary()
    for seeds in (range(HISTORIES), range(fresh, fresh + FRESH)):
        for more in surveys(seeds, jobs=2):
            summary.add(more)
    replay = [f"bitacora simulate --replay {seed}" for seed in summary.violated]
    assert summary.problems(ALL) == [], f"fresh seed {fresh}; {replay}"
    assert summary.verdict(ALL) == "holds"
    assert summary.histories == 5_000
    assert len(summary.injected) == len(Fault) >= 12
    assert summary.commits > 2 * summary.histories


def test_the_same_seed_is_the_same_history() -> None:
    for seed in range(20):
        first, second = simulate(seed), simulate(seed)
        assert first.case == second.case
        assert first.history == second.history
        assert again(first.case, Parts()).history == first.history


def test_without_faults_nothing_goes_wrong_and_something_happens() -> None:
    summary = survey(range(50), faults=())
    assert summary.verdicts == {"holds": 50}
    assert not summary.injected
    assert summary.problems(()) == []


def test_only_the_faults_that_are_asked_for_happen() -> None:
    asked = (Fault.KILLED_AFTER, Fault.CLOCK_SKEW)
    assert set(survey(range(50), faults=asked).injected) == set(asked)


def test_a_fault_that_was_never_met_is_told() -> None:
    [problem] = survey(range(2), faults=(Fault.SHARD_MERGE,)).problems((Fault.SHARD_MERGE,))
    assert problem.startswith("Never met: shard-merge")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_part_is_found_and_shrunk_to_what_matters(name: str) -> None:
    parts = BROKEN[name]
    seed = next(seed for seed in range(ENOUGH) if simulate(seed, parts).findings)
    failure = explained(seed, parts)
    assert failure
    assert failure.findings
    assert len(failure.case.plan.steps) + failure.case.faults + failure.case.turns <= HANDFUL
    assert failure.trace
    assert explained(seed, parts) == failure
    # It is the part that is wrong, not the history.
    assert again(failure.case, Parts()).findings == []


def test_a_function_that_never_succeeds_is_no_history_without_an_end() -> None:
    """A batch that fails for ever keeps its shard waiting, and that is told."""

    class Refusing(Projector):
        def apply(self, batch: object) -> Projected:
            raise RuntimeError("no room")

    done = simulate(0, Parts(projector=Refusing), ())
    assert judged(done) == "violated"
    assert {found.kind for found in done.findings} == {"stuck"}
