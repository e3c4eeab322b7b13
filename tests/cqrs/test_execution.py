"""A command is done once, whatever is repeated, raced for or left unanswered."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from reference_service.cqrs.commit import Cause, Commit, timestamp
from reference_service.cqrs.execution import (
    MAX_RELOADS,
    Accepted,
    Contended,
    KeyReused,
    Outcome,
    OutcomeUnknown,
    Refused,
    Request,
    Stale,
    TooLarge,
    execute,
)
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.store import (
    Appended,
    Conflict,
    EventStore,
    Head,
    Unavailable,
)
from reference_service.cqrs.store import Unknown as Unanswered
from reference_service.schemas import Undecodable
from tests.cqrs.toy import ADDING, CODEC, NOON, Add, Negative, Sum, Unknown, cause, extended

STREAM = "sum-1"
ids = itertools.count()


def send(
    store: EventStore,
    *numbers: int,
    caller: str = "ana",
    command_id: str = "",
    fingerprint: str = "f",
    expecting: int | None = None,
    at: datetime = NOON,
) -> Outcome[Sum, Unknown | Negative]:
    return execute(
        Request(
            stream=STREAM,
            command=Add(numbers, caller),
            cause=cause(command_id or f"command-{next(ids)}", fingerprint),
            expected_version=expecting,
        ),
        store,
        ADDING,
        CODEC,
        lambda: at,
        lambda: f"commit-{next(ids)}",
    )


@pytest.fixture
def store() -> InMemoryEventStore:
    return InMemoryEventStore()


@dataclass
class Between:
    """The store, with something that happens just before an append."""

    inner: EventStore
    events: list[object] = field(default_factory=list)
    loads: list[int] = field(default_factory=list)

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        self.loads.append(after)
        return self.inner.load(stream, after)

    def append(self, commit: Commit) -> Appended | Conflict | Unanswered:
        if self.events:
            event = self.events.pop(0)
            if callable(event):
                event()
        return self.inner.append(commit)

    def heads(
        self, cursor: str | None, limit: int, *, consistent: bool = False
    ) -> tuple[list[Head], str | None]:
        return self.inner.heads(cursor, limit, consistent=consistent)


def test_the_events_of_a_command_are_one_commit(store: InMemoryEventStore) -> None:
    assert send(store, 1, 2, 3) == Accepted(Sum(6, "ana"), version=3, commit=1)
    (commit,) = store.load(STREAM)
    assert (commit.first, commit.count) == (1, 3)
    assert commit.at == timestamp(NOON)


def test_the_cause_is_kept(store: InMemoryEventStore) -> None:
    send(store, 1, command_id="c-1", fingerprint="print")
    (commit,) = store.load(STREAM)
    kept = {name: getattr(commit, name) for name in Cause.__struct_fields__}
    assert kept == {name: getattr(cause("c-1", "print"), name) for name in kept}


def test_a_clock_that_runs_backwards_moves_no_commit_back(store: InMemoryEventStore) -> None:
    send(store, 1, at=NOON)
    send(store, 2, at=NOON - timedelta(hours=1))
    first, second = store.load(STREAM)
    assert second.at == first.at == timestamp(NOON)


def test_a_repeat_is_answered_as_the_first_time(store: InMemoryEventStore) -> None:
    first = send(store, 5, command_id="once")
    send(store, 100)
    assert send(store, 5, command_id="once") == first
    assert len(store.load(STREAM)) == 2


def test_a_repeat_is_answered_although_its_precondition_is_stale_by_now(
    store: InMemoryEventStore,
) -> None:
    first = send(store, 5, command_id="once", expecting=0)
    assert send(store, 5, command_id="once", expecting=0) == first


def test_the_same_key_for_another_command_is_told(store: InMemoryEventStore) -> None:
    send(store, 5, command_id="once", fingerprint="five")
    assert send(store, 6, command_id="once", fingerprint="six") == KeyReused()
    assert len(store.load(STREAM)) == 1


def test_a_refused_command_is_decided_again(store: InMemoryEventStore) -> None:
    assert send(store, -5, command_id="once") == Refused(Negative(0))
    assert store.load(STREAM) == []
    send(store, 10)
    assert send(store, -5, command_id="once") == Accepted(Sum(5, "ana"), version=2, commit=2)


def test_a_stale_precondition_tells_the_version(store: InMemoryEventStore) -> None:
    send(store, 1, 2)
    assert send(store, 3, expecting=1) == Stale(2)
    assert send(store, 3, expecting=2) == Accepted(Sum(6, "ana"), version=3, commit=2)


def test_a_stream_of_another_is_not_betrayed_by_a_precondition(
    store: InMemoryEventStore,
) -> None:
    send(store, 1, 2, command_id="anas")
    for expecting in (None, 0, 1, 2, 7):
        assert send(store, 3, caller="bob", expecting=expecting) == Refused(Unknown())
    assert send(store, 3, caller="bob", command_id="anas") == Refused(Unknown())


def test_a_command_without_events_is_accepted_without_a_commit(
    store: InMemoryEventStore,
) -> None:
    send(store, 4)
    assert send(store) == Accepted(Sum(4, "ana"), version=1, commit=1)
    assert len(store.load(STREAM)) == 1


def test_a_command_too_large_to_store_is_refused_before_the_append(
    store: InMemoryEventStore,
) -> None:
    outcome = send(store, *range(60_000))
    assert isinstance(outcome, TooLarge)
    assert outcome.size_bytes >= 400 * 1024
    assert store.load(STREAM) == []


def test_a_lost_race_without_precondition_decides_again_on_what_is_new(
    store: InMemoryEventStore,
) -> None:
    send(store, 1)
    between = Between(store, [lambda: send(store, 10)])
    assert send(between, 100) == Accepted(Sum(111, "ana"), version=3, commit=3)
    assert between.loads == [0, 1]


def test_a_lost_race_can_turn_acceptance_into_refusal(store: InMemoryEventStore) -> None:
    send(store, 10)
    between = Between(store, [lambda: send(store, -8)])
    assert send(between, -8) == Refused(Negative(2))


def test_a_lost_race_with_precondition_is_stale(store: InMemoryEventStore) -> None:
    send(store, 1)
    between = Between(store, [lambda: send(store, 10, 20)])
    assert send(between, 100, expecting=1) == Stale(3)


def test_losing_every_race_gives_up_without_effect(store: InMemoryEventStore) -> None:
    between = Between(store, [lambda: send(store, 1) for _ in range(100)])
    assert send(between, 1000) == Contended(1 + MAX_RELOADS)
    assert MAX_RELOADS == 5
    assert all("1000" not in commit.body for commit in store.load(STREAM))


def test_the_last_reload_may_still_win(store: InMemoryEventStore) -> None:
    between = Between(store, [lambda: send(store, 1) for _ in range(MAX_RELOADS)])
    assert send(between, 1000) == Accepted(Sum(1005, "ana"), version=6, commit=6)


def test_a_race_lost_to_its_own_repeat_gives_the_first_answer(store: InMemoryEventStore) -> None:
    between = Between(store, [lambda: send(store, 5, command_id="once")])
    assert send(between, 5, command_id="once") == Accepted(Sum(5, "ana"), version=1, commit=1)
    assert len(store.load(STREAM)) == 1


def test_an_unanswered_append_is_unknown_and_its_repeat_finds_out(
    store: InMemoryEventStore,
) -> None:
    class Silent(InMemoryEventStore):
        def append(self, commit: Commit) -> Unanswered:  # type: ignore[override]
            super().append(commit)
            return Unanswered("no answer")

    silent = Silent()
    assert send(silent, 5, command_id="once") == OutcomeUnknown("no answer")
    assert send(silent, 5, command_id="once") == Accepted(Sum(5, "ana"), version=1, commit=1)
    assert len(silent.load(STREAM)) == 1


def test_a_store_that_can_not_be_read_is_no_outcome() -> None:
    class Down(InMemoryEventStore):
        def load(self, stream: str, after: int = 0) -> list[Commit]:
            raise Unavailable("down")

    with pytest.raises(Unavailable, match="down"):
        send(Down(), 1)


def test_a_history_that_can_not_be_read_is_never_decided_upon(
    store: InMemoryEventStore,
) -> None:
    store.append(extended(None, STREAM, body="not numbers"))
    with pytest.raises(Undecodable):
        send(store, 1)
    assert len(store.load(STREAM)) == 1


def test_many_devices_expecting_the_same_version_one_wins(store: InMemoryEventStore) -> None:
    send(store, 1, 1, 1)
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda n: send(store, n, expecting=3), range(20)))
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
    assert outcomes.count(Stale(4)) == 19
    assert len(store.load(STREAM)) == 2


def test_one_command_sent_many_times_at_once_has_one_effect_and_one_answer(
    store: InMemoryEventStore,
) -> None:
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda _: send(store, 5, command_id="once"), range(20)))
    assert outcomes == [Accepted(Sum(5, "ana"), version=1, commit=1)] * 20
    assert len(store.load(STREAM)) == 1
