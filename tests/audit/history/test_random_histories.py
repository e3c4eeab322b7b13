"""Sound: what a correct store leaves behind is never flagged. Complete: what can't be always is."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.json import encode

from bitacora.audit.history import Operation, Seen, check
from tests.audit.history.changes import IMPOSSIBLE, changed
from tests.audit.history.oracle import possible
from tests.audit.history.simulated import history

SEEDS = st.integers(0, 2**64)
QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


@given(seed=SEEDS, size=st.integers(1, 120), clients=st.integers(1, 12), stored=st.booleans())
@settings(QUICK, max_examples=300)
def test_a_correct_store_is_never_accused(seed: int, size: int, clients: int, stored: bool) -> None:
    report = check(history(Random(seed), size=size, clients=clients, stored=stored))

    assert report.findings == ()
    assert report.undecided == () or not stored


@pytest.mark.parametrize("change", IMPOSSIBLE, ids=lambda change: change.__name__)
@given(seed=SEEDS, size=st.integers(5, 60), clients=st.integers(1, 8))
@settings(QUICK, max_examples=40)
def test_what_can_not_have_been_is_found(change, seed: int, size: int, clients: int) -> None:
    random = Random(seed)
    broken = change(random, history(random, size=size, clients=clients))

    assert broken is None or check(broken).verdict == "violated"


def test_it_agrees_with_trying_every_order() -> None:
    """Of these, some 1,500 are impossible; undecided is at most what tells no version."""
    seen: Counter[str] = Counter()
    for seed in range(8_000):
        random = Random(seed)
        operations = a_small_history(random)
        report = check(operations)
        told = {True: "possible", False: "impossible"}[possible(operations)]
        if report.undecided and not report.findings:
            seen["undecided"] += 1
            continue
        seen[told] += 1
        assert told == ("impossible" if report.findings else "possible"), as_lines(operations, seed)

    assert seen["possible"] > 3_000
    assert seen["impossible"] > 1_000
    assert seen["undecided"] < 50


def a_small_history(random: Random) -> list[Operation]:
    """One of up to eight operations, most of them changed; no consumers, as the oracle wants it."""
    operations = history(
        random,
        size=random.randint(1, 8),
        clients=random.randint(1, 5),
        stored=random.random() < 0.4,
        span=random.choice([2, 6, 12]),
    )
    operations = [each for each in operations if not isinstance(each, Seen)]
    return changed(random, operations) if random.random() < 0.8 else operations


def as_lines(operations: list[Operation], seed: int) -> str:
    return "\n".join([f"seed {seed}", *(encode(each).decode() for each in operations)])
