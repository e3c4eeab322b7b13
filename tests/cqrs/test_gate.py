"""What an arriving commit is to a gate."""

import msgspec

from reference_service.cqrs.commit import sealed
from reference_service.cqrs.gate import START, Arrival, after, classify
from tests.cqrs.toy import chain, extended

FIRST, SECOND, THIRD, FOURTH = chain("sum-1", 4)


def test_a_stream_begins_with_its_first_commit() -> None:
    assert classify(START, FIRST) is Arrival.NEXT
    assert classify(START, SECOND) is Arrival.GAP


def test_at_a_gate_the_past_is_seen_the_next_follows_and_beyond_is_a_gap() -> None:
    gate = after(SECOND)
    assert [classify(gate, one) for one in (FIRST, SECOND, THIRD, FOURTH)] == [
        Arrival.SEEN,
        Arrival.SEEN,
        Arrival.NEXT,
        Arrival.GAP,
    ]


def test_another_commit_with_the_number_of_the_gate_is_a_fork() -> None:
    other = extended(FIRST, "sum-1", 99)
    assert other.commit == SECOND.commit
    assert classify(after(SECOND), other) is Arrival.FORK


def test_a_next_commit_that_follows_another_history_is_a_fork() -> None:
    other = extended(extended(FIRST, "sum-1", 99), "sum-1", 1)
    assert other.commit == THIRD.commit
    assert classify(after(SECOND), other) is Arrival.FORK


def test_content_that_is_not_its_hash_is_a_fork() -> None:
    altered = msgspec.structs.replace(THIRD, body='[[1000, "ana"]]')
    assert classify(after(SECOND), altered) is Arrival.FORK
    assert classify(after(SECOND), sealed(THIRD)) is Arrival.NEXT
