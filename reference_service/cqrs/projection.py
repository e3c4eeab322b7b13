"""The projector: applies commits to a read model behind a gate per stream, and heals it.

Arrivals may be repeated, reordered, incomplete or poisoned. The gate decides what each is; what is
missing is read from the event store at once; what can never be applied parks its stream alone.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol, TypeAlias

import msgspec

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import START, Arrival, Gate, after, classify, is_intact
from reference_service.cqrs.heartbeat import is_heartbeat
from reference_service.cqrs.store import EventStore, Head, Unavailable
from reference_service.schemas import Undecodable

# Rounds of "another writer moved the gate, look again" before the arrivals are given back.
MAX_ROUNDS = 5

# A projection's row of one stream: opaque here.
Row: TypeAlias = Any
# project(row or None before the first commit, commit) -> row; pure, so what it raises is permanent.
Project: TypeAlias = Callable[[Row | None, Commit], Row]
Meanwhile: TypeAlias = Callable[[], object]


def nothing() -> None:
    """No work meanwhile."""


@dataclass(frozen=True)
class Park:
    """Why a stream can't go past a commit."""

    commit: int
    reason: str


class Position(msgspec.Struct, frozen=True):
    """Where a read model stands on a stream: None before anything was applied."""

    gate: Gate | None = None
    parked: str | None = None
    row: Row | None = None


class Advance(msgspec.Struct, frozen=True):
    """Move a gate `start` → `end` with its row; `park` sets the parked marker, None clears it.

    start == end only sets or clears the marker; `row` is None when there is nothing to write. `at`
    is the time of commit `end`, None when the gate stays.
    """

    stream: str
    start: Gate
    end: Gate
    row: Row | None = None
    park: Park | None = None
    at: str | None = None


class Unstorable(Exception):
    """A row that the read model can never take, whatever the number of attempts."""


class ReadModel(Protocol):
    def positions(
        self, streams: Sequence[str], meanwhile: Meanwhile = nothing
    ) -> dict[str, Position]:
        """Every one of the streams. Raises Unavailable.

        `meanwhile` is done before it returns, where possible while the answer is awaited; perhaps
        several times.
        """

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        """Apply those whose gate still stands at `start`; which they were.

        Gate, row and marker of a stream change at once or not at all; at most one advance per
        stream. Of several, some may be done although it raises: their next position shows it.
        An advance that stands there already, by an earlier try, may count as done.
        Raises Unavailable, Unstorable.
        """


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One record of the log: `commits` of one stream, or the `fault` that makes it unreadable."""

    id: str
    stream: str
    commits: tuple[Commit, ...] = ()
    fault: str | None = None


@dataclass(frozen=True)
class Projected:
    """`failed` are to be delivered again, because of `error`; `parked` streams wait for repair.

    `reached` is the time of the last commit that was applied, by stream.
    """

    failed: list[Delivery] = field(default_factory=list)
    advanced: int = 0
    parked: dict[str, Park] = field(default_factory=dict)
    error: str | None = None
    reached: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Repaired:
    stream: str
    start: int
    end: int
    parked: str | None


@dataclass(frozen=True)
class Slice:
    """One slice of a reconciliation; `cursor` is where the next begins, None at the first head.

    `finished` tells that this slice saw the last head.
    """

    cursor: str | None
    compared: int
    repaired: list[Repaired]
    finished: bool


class Projector:
    def __init__(self, store: EventStore, read_model: ReadModel, project: Project) -> None:
        self._store = store
        self._read_model = read_model
        self._project = project

    def apply(self, batch: Sequence[Delivery]) -> Projected:
        """Apply a batch. A transient fault fails all of it: what was applied is seen next time."""
        waiting: dict[str, list[Delivery]] = {}
        for delivery in batch:
            waiting.setdefault(delivery.stream, []).append(delivery)
        advanced = 0
        parked: dict[str, Park] = {}
        reached: dict[str, str] = {}
        try:
            for _ in range(MAX_ROUNDS):
                advances, waiting = self._plan(waiting)
                for done in self._advance(advances):
                    waiting.pop(done.stream)
                    advanced += done.end.commit - done.start.commit
                    if done.at:
                        reached[done.stream] = done.at
                    if done.park:
                        parked[done.stream] = done.park
                if not waiting:
                    return Projected([], advanced, parked, reached=reached)
        except Unavailable as fault:
            return Projected(list(batch), advanced, parked, str(fault), reached)
        failed = [delivery for delivery in batch if delivery.stream in waiting]
        return Projected(failed, advanced, parked, f"gates moved in {MAX_ROUNDS} rounds", reached)

    def repair(self, stream: str) -> Repaired:
        """Apply every commit of the store above the gate, parked or not. Raises Unavailable."""
        for _ in range(MAX_ROUNDS):
            position = self._read_model.positions([stream])[stream]
            advance = self._from_store(stream, position)
            done = [advance]
            if advance.start != advance.end or advance.park or position.parked:
                done = self._advance([advance])
            for one in done:
                reason = one.park.reason if one.park else None
                return Repaired(stream, one.start.commit, one.end.commit, reason)
        raise Unavailable(f"{stream}: its gate was moved by others in {MAX_ROUNDS} rounds")

    def reconcile(
        self, cursor: str | None, *, page: int, budget_s: float, clock: Callable[[], float]
    ) -> Slice:
        """Compare heads with gates from `cursor` on, for about `budget_s`, repairing what differs.

        `clock` gives seconds that never run backwards. Raises Unavailable; a slice that is cut off
        inside a page begins with that page again, where the repaired are no longer behind.
        """
        deadline, compared = clock() + budget_s, 0
        repaired: list[Repaired] = []
        while clock() < deadline:
            heads, following = self._store.heads(cursor, page)
            for stream in self.behind(heads):
                if clock() >= deadline:
                    return Slice(cursor, compared, repaired, finished=False)
                repaired.append(self.repair(stream))
            compared += len(heads)
            cursor = following
            if cursor is None:
                return Slice(None, compared, repaired, finished=True)
        return Slice(cursor, compared, repaired, finished=False)

    def behind(self, heads: Sequence[Head]) -> list[str]:
        """Those that are not at their head, or are parked. Raises Unavailable."""
        positions = self._read_model.positions([head.stream for head in heads])
        return [
            head.stream
            for head in heads
            if (positions[head.stream].gate or START).commit != head.commit
            or positions[head.stream].parked
        ]

    def _plan(
        self, waiting: dict[str, list[Delivery]]
    ) -> tuple[list[Advance], dict[str, list[Delivery]]]:
        """The advances to try, and the deliveries that wait for them. Parked streams need none."""
        broken: list[Commit] = []

        def check() -> None:
            arrived = (commit for one in chain(*waiting.values()) for commit in one.commits)
            broken[:] = [commit for commit in arrived if not is_intact(commit)]

        positions = self._read_model.positions(list(waiting), check)
        advances = []
        for stream, deliveries in waiting.items():
            position = positions[stream]
            if position.parked:
                continue
            advance = self._from_log(stream, position, deliveries, broken)
            if advance.start != advance.end or advance.park:
                advances.append(advance)
        return advances, {advance.stream: waiting[advance.stream] for advance in advances}

    def _from_log(
        self,
        stream: str,
        position: Position,
        deliveries: Sequence[Delivery],
        broken: Collection[Commit],
    ) -> Advance:
        commits = {commit.commit: commit for one in deliveries for commit in one.commits}
        ascending = [commits[number] for number in sorted(commits)]
        advance = extend(
            self._project, stream, position, ascending, lambda commit: commit not in broken
        )
        if advance is None:
            advance = self._from_store(stream, position)
            if advance.park is None and advance.end.commit < max(commits):
                reason = f"the log has commit {max(commits)}, the event store ends before it"
                advance = _parked(advance, max(commits), reason)
        faults = [delivery.fault for delivery in deliveries if delivery.fault]
        if faults and advance.park is None:
            advance = _parked(advance, advance.end.commit + 1, f"unreadable record: {faults[0]}")
        return advance

    def _from_store(self, stream: str, position: Position) -> Advance:
        gate = position.gate or START
        # From the gate's own commit on: its hash tells whether the store still has our history.
        try:
            commits = self._store.load(stream, after=max(gate.commit - 1, 0))
        except Undecodable as fault:
            reason = f"the event store holds what is no commit: {fault}"
            return Advance(stream, gate, gate, park=Park(gate.commit + 1, reason))
        if gate.commit and (not commits or commits[0].commit != gate.commit):
            reason = f"the event store lacks commit {gate.commit}, which was applied"
            return Advance(stream, gate, gate, park=Park(gate.commit, reason))
        advance = extend(self._project, stream, position, commits)
        if advance is None:
            reason = "the event store has a hole in this stream"
            return Advance(stream, gate, gate, park=Park(gate.commit + 1, reason))
        return advance

    def _advance(self, advances: Sequence[Advance]) -> list[Advance]:
        """What was done: not where another writer was first; an unstorable row parks instead."""
        if not advances:
            return []
        try:
            moved = self._read_model.advance(advances)
        except Unstorable as fault:
            if len(advances) > 1:
                return [done for one in advances for done in self._advance([one])]
            advances = [_unstored(advances[0], str(fault))]
            moved = self._read_model.advance(advances)
        return [one for one in advances if one.stream in moved]


def extend(
    project: Project,
    stream: str,
    position: Position,
    commits: Iterable[Commit],
    intact: Callable[[Commit], bool] = is_intact,
) -> Advance | None:
    """As far as the commits, ascending, reach from the gate; None when they leave a gap."""
    start = gate = position.gate or START
    row, park, at = position.row, None, None
    for commit in commits:
        match classify(gate, commit, intact):
            case Arrival.SEEN:
                continue
            case Arrival.GAP:
                return None
            case Arrival.FORK:
                park = Park(commit.commit, f"commit {commit.commit} is of another history")
                break
        try:
            row = row if is_heartbeat(commit) else project(row, commit)
        except Exception as fault:
            park = Park(commit.commit, f"{type(fault).__name__}: {fault}")
            break
        gate, at = after(commit), commit.at
    return Advance(stream, start, gate, row if gate != start else None, park, at)


def _parked(advance: Advance, commit: int, reason: str) -> Advance:
    return msgspec.structs.replace(advance, park=Park(commit, reason))


def _unstored(advance: Advance, reason: str) -> Advance:
    park = Park(advance.start.commit + 1, f"the read model refuses the row: {reason}")
    return Advance(advance.stream, advance.start, advance.start, park=park)
