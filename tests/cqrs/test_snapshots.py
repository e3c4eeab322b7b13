"""Having snapshots, or losing them, changes nothing but what is loaded."""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.execution import (
    Accepted,
    KeyReused,
    Outcome,
    Refused,
    Request,
    Stale,
    execute,
)
from reference_service.cqrs.memory import InMemoryEventStore, InMemorySnapshots
from reference_service.cqrs.snapshot import MARK_BYTES, Snapshot, Snapshots, marked, marks, packed
from reference_service.cqrs.store import Appended, Conflict, Unavailable
from tests.cqrs.toy import ADDING, CODEC, NOON, Add, KeptSums, Negative, Sum, Unknown, cause, chain

STREAM = "sum-1"


class Watched(InMemoryEventStore):
    """Notes how much each load brought."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[int] = []

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        commits = super().load(stream, after)
        self.loaded.append(len(commits))
        return commits

    def holding(self, commits: list[Commit]) -> "Watched":
        """The same store restored to these commits."""
        self._streams = {STREAM: {commit.commit: commit for commit in commits}}
        return self


class Away:
    """A table of snapshots that does not answer, or is not there."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def read(self, stream: str) -> Snapshot | None:
        raise self.fault

    def write(self, snapshot: Snapshot) -> None:
        raise self.fault


@dataclass
class Side:
    """One event store, and how commands are executed on it."""

    snapshots: Snapshots[Sum] | None = None
    store: Watched = field(default_factory=Watched)
    ids: Any = field(default_factory=itertools.count)

    def send(
        self,
        *numbers: int,
        command_id: str = "",
        fingerprint: str = "f",
        caller: str = "ana",
        expecting: int | None = None,
    ) -> Outcome[Sum, Unknown | Negative]:
        self.store.loaded.clear()
        number = next(self.ids)
        return execute(
            Request(
                stream=STREAM,
                command=Add(numbers, caller),
                cause=cause(command_id or f"command-{number}", fingerprint),
                expected_version=expecting,
            ),
            self.store,
            ADDING,
            CODEC,
            lambda: NOON,
            lambda: f"commit-{number}",
            self.snapshots,
        )


def with_snapshots(every: int, kept: Any = None) -> Side:
    return Side(Snapshots(InMemorySnapshots() if kept is None else kept, KeptSums(), every))


def kept_by(side: Side) -> InMemorySnapshots:
    assert side.snapshots
    assert isinstance(side.snapshots.kept, InMemorySnapshots)
    return side.snapshots.kept


def test_from_a_snapshot_on_only_what_follows_is_loaded() -> None:
    side = with_snapshots(every=10)
    loads = []
    for _ in range(25):
        side.send(1)
        loads += side.store.loaded
    # The snapshot's own commit is loaded too: it shows that the snapshot is of this history.
    assert loads == [*range(10), *range(1, 11), *range(1, 6)]
    assert kept_by(side).read(STREAM).commit == 20


def test_a_snapshot_holds_the_state_after_its_commit_and_a_mark_of_each() -> None:
    side = with_snapshots(every=3)
    for number in range(1, 5):
        side.send(number)
    commits = side.store.load(STREAM)
    assert kept_by(side).read(STREAM) == Snapshot(
        stream=STREAM,
        commit=3,
        hash=commits[2].hash,
        schema="toy/1",
        state=packed('[6, "ana"]'),
        marks=marks(commits[:3]),
    )


@pytest.mark.parametrize("number", range(1, 26))
def test_a_repeat_is_answered_as_the_first_time_wherever_its_commit_lies(number: int) -> None:
    side = with_snapshots(every=10)
    answers = [side.send(n, command_id=f"c-{n}") for n in range(1, 26)]
    assert side.send(number, command_id=f"c-{number}") == answers[number - 1]
    assert answers[number - 1] == Accepted(Sum(sum(range(number + 1)), "ana"), number, number)
    assert side.send(0, command_id=f"c-{number}", fingerprint="other") == KeyReused()
    assert len(side.store.load(STREAM)) == 25


def test_a_repeat_is_the_one_command_that_loads_everything() -> None:
    side = with_snapshots(every=10)
    for number in range(1, 26):
        side.send(number, command_id=f"c-{number}")
    side.send(4, command_id="c-4")
    assert side.store.loaded == [25]
    side.send(1)
    assert side.store.loaded == [6]


def damaged(how: str) -> Callable[[Snapshot], Snapshot]:
    """Something that can stand in the table and must not be believed."""
    foreign, fork = chain("sum-2", 20), chain(STREAM, 1)
    changes: dict[str, dict[str, Any]] = {
        "of an older state schema": {"schema": "toy/0", "state": packed('[-1000, "bob"]')},
        "of another stream": {"hash": foreign[-1].hash},
        "ahead of the store": {"commit": 90, "marks": marks(chain(STREAM, 90))},
        "far behind and of a fork": {"commit": 1, "hash": fork[0].hash, "marks": marks(fork)},
        "unreadable": {"state": packed("[]")},
        "damaged": {"state": b"[6]"},
    }
    return lambda snapshot: msgspec.structs.replace(snapshot, **changes[how])


WRONG = (
    "of an older state schema",
    "of another stream",
    "ahead of the store",
    "far behind and of a fork",
    "unreadable",
    "damaged",
)


@pytest.mark.parametrize("how", WRONG)
def test_a_snapshot_that_is_wrong_is_passed_over_and_replaced(how: str) -> None:
    side, plain = with_snapshots(every=10), Side()
    for number in range(20):
        assert side.send(number) == plain.send(number)
    kept = kept_by(side)
    right = kept.read(STREAM)
    assert right
    kept.write(damaged(how)(right))
    assert side.send(1) == plain.send(1)
    assert side.store.loaded[-1] == 20
    assert kept.read(STREAM).commit == 21
    side.send(1)
    assert side.store.loaded == [1]


def test_a_snapshot_from_before_a_restore_is_not_believed_whatever_was_appended_since() -> None:
    side = with_snapshots(every=5)
    for number in range(10):
        side.send(number)
    # The store is restored to commit 7, and other commands follow than had before.
    side.store.holding(side.store.load(STREAM)[:7])
    for number in range(100, 105):
        outcome = side.send(number)
    assert outcome == Accepted(Sum(sum(range(7)) + sum(range(100, 105)), "ana"), 12, 12)


@pytest.mark.parametrize(
    "fault", [Unavailable("no answer"), RuntimeError("no such table")], ids=str
)
def test_a_table_that_fails_fails_no_command(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    side, plain = with_snapshots(every=2, kept=Away(fault)), Side()
    for number in range(1, 6):
        assert side.send(number) == plain.send(number)
    assert side.store.load(STREAM) == plain.store.load(STREAM)
    assert str(fault) in caplog.text


def test_a_lost_race_goes_on_from_the_snapshot() -> None:
    class Beaten(Watched):
        rivals = 0

        def append(self, commit: Commit) -> Appended | Conflict:
            if commit.commit == 12 and not self.rivals:
                self.rivals = 1
                super().append(chain_end(self.load(STREAM)))
            return super().append(commit)

    def chain_end(commits: list[Commit]) -> Commit:
        rival = Side(store=Watched().holding(commits))
        rival.send(1000, command_id="rival")
        return rival.store.load(STREAM)[-1]

    side = with_snapshots(every=10)
    side.store = Beaten()
    for _ in range(11):
        side.send(1)
    assert side.send(1) == Accepted(Sum(1012, "ana"), version=13, commit=13)


def test_a_stream_too_long_for_a_snapshot_keeps_the_last_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    side = with_snapshots(every=2)
    for _ in range(4):
        side.send(1)
    monkeypatch.setattr("reference_service.cqrs.snapshot.STORED_LIMIT_BYTES", 1024)
    caplog.set_level(logging.WARNING)
    for number in range(5, 10):
        assert side.send(1) == Accepted(Sum(number, "ana"), number, number)
    assert kept_by(side).read(STREAM).commit == 4
    assert "no snapshot of commit 6" in caplog.text


def test_a_mark_across_two_others_is_none() -> None:
    wanted = marks(chain(STREAM, 1))
    apart = b"\0" + wanted + b"\0" * (MARK_BYTES - 1)
    command_id = chain(STREAM, 1)[0].command_id
    assert not marked(apart, command_id)
    assert marked(apart + wanted, command_id)
    assert marked(wanted + apart, command_id)
    assert not marked(b"", command_id)


def test_two_ids_with_one_mark_are_told_apart() -> None:
    """ "plumless" and "buckeroo" share their CRC-32."""
    assert marked(
        marks([msgspec.structs.replace(chain(STREAM, 1)[0], command_id="plumless")]), "buckeroo"
    )
    side = with_snapshots(every=2)
    for command_id in ("plumless", "", "", ""):
        side.send(1, command_id=command_id)
    assert side.send(5, command_id="buckeroo") == Accepted(Sum(9, "ana"), version=5, commit=5)
    assert side.store.loaded == [4]


# Steps of a random history: a command, a repeat of the nth of them, something done to a snapshot.
numbers = st.lists(st.integers(-5, 9), max_size=3)
commands = st.tuples(
    st.just("command"),
    numbers,
    st.sampled_from(["ana", "ana", "ana", "bob"]),
    st.sampled_from([None, None, None, 0, 3, "now"]),
)
repeats = st.tuples(
    st.just("repeat"), st.integers(0, 50), st.sampled_from(["f", "f", "other"]), st.booleans()
)
disturbances = st.tuples(
    st.just("disturb"),
    st.sampled_from(["deleted", "older", "restored", "restored keeping", *WRONG]),
    st.integers(0, 30),
)
histories = st.lists(
    st.one_of(*[commands] * 5, *[repeats] * 2, disturbances), min_size=15, max_size=60
)


@dataclass
class Twins:
    """The same commands on two sides, of which one has snapshots."""

    having: Side
    plain: Side = field(default_factory=Side)
    sent: list[dict[str, Any]] = field(default_factory=list)
    older: list[Snapshot] = field(default_factory=list)

    def both(self, *numbers: int, **options: Any) -> None:
        assert self.having.send(*numbers, **options) == self.plain.send(*numbers, **options)
        assert self.having.store.load(STREAM) == self.plain.store.load(STREAM)
        if snapshot := kept_by(self.having).read(STREAM):
            self.older.append(snapshot)

    def command(self, numbers: list[int], caller: str, expecting: Any) -> None:
        if expecting == "now":
            commits = self.plain.store.load(STREAM)
            expecting = commits[-1].version if commits else 0
        options = {"caller": caller, "expecting": expecting, "command_id": f"c-{len(self.sent)}"}
        self.sent.append({"numbers": numbers, **options})
        self.both(*numbers, **options)

    def repeat(self, index: int, fingerprint: str, by_another: bool) -> None:
        if self.sent:
            again = dict(self.sent[index % len(self.sent)])
            if by_another:
                again["caller"] = "bob"
            self.both(*again.pop("numbers"), **again, fingerprint=fingerprint)

    def disturb(self, what: str, where: int) -> None:
        kept = kept_by(self.having)
        if what.startswith("restored"):
            commits = self.plain.store.load(STREAM)
            for side in (self.having, self.plain):
                side.store.holding(commits[: where % (len(commits) + 1)])
        elif what == "deleted":
            kept.delete(STREAM)
        elif what == "older" and self.older:
            kept.write(self.older[where % len(self.older)])
        elif what in WRONG and (snapshot := kept.read(STREAM)):
            kept.write(damaged(what)(snapshot))


@given(st.integers(1, 12), histories)
@settings(max_examples=300, deadline=None)
def test_with_and_without_snapshots_every_history_has_the_same_outcomes(
    every: int, steps: list[tuple[Any, ...]]
) -> None:
    logging.disable(logging.ERROR)
    try:
        twins = Twins(with_snapshots(every))
        for name, *arguments in steps:
            getattr(twins, name)(*arguments)
    finally:
        logging.disable(logging.NOTSET)


def test_refusals_and_stale_versions_are_told_from_a_snapshot_too() -> None:
    side = with_snapshots(every=2)
    for number in range(1, 6):
        side.send(number)
    assert side.send(1, caller="bob") == Refused(Unknown())
    assert side.send(-99) == Refused(Negative(15))
    assert side.send(1, expecting=3) == Stale(5)
    assert side.send() == Accepted(Sum(15, "ana"), version=5, commit=5)
    assert side.store.loaded == [2]
