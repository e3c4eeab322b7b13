"""The stores in memory, no kinder than DynamoDB: for tests, simulation and exploration."""

from collections.abc import Collection, Sequence
from threading import Lock
from typing import Any
from zlib import crc32

from reference_service.cqrs.commit import STORED_LIMIT_BYTES, Commit, check_size
from reference_service.cqrs.gate import START, Gate
from reference_service.cqrs.projection import (
    Advance,
    Meanwhile,
    Park,
    Position,
    Unstorable,
    nothing,
)
from reference_service.cqrs.snapshot import Snapshot, stored_size_bytes
from reference_service.cqrs.store import Appended, Conflict, Head, History


class InMemoryEventStore:
    def __init__(self) -> None:
        self._streams: dict[str, dict[int, Commit]] = {}
        self._lock = Lock()

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        with self._lock:
            commits = self._streams.get(stream, {})
            return [commits[number] for number in sorted(commits) if number > after]

    def append(self, commit: Commit) -> Appended | Conflict:
        check_size(commit)
        with self._lock:
            commits = self._streams.setdefault(commit.stream, {})
            winner = commits.setdefault(commit.commit, commit)
        return Appended() if winner.commit_id == commit.commit_id else Conflict(winner)

    def heads(
        self, cursor: str | None, limit: int, *, consistent: bool = False
    ) -> tuple[list[Head], str | None]:
        with self._lock:
            later = sorted(stream for stream in self._streams if stream > (cursor or ""))
            last = [self._streams[stream][max(self._streams[stream])] for stream in later[:limit]]
        page = [Head(one.stream, one.commit, one.hash, one.at) for one in last]
        return page, page[-1].stream if len(later) > limit else None

    def histories(
        self, cursor: str | None, *, segment: int = 0, segments: int = 1
    ) -> tuple[list[History], str | None]:
        """A page is one stream: no reader may rest on more."""
        with self._lock:
            names = sorted(name for name in self._streams if name > (cursor or ""))
        later = [name for name in names if crc32(name.encode()) % segments == segment]
        page = [History(name, self.load(name)) for name in later[:1]]
        return page, later[0] if len(later) > 1 else None


class InMemorySnapshots:
    def __init__(self) -> None:
        self._snapshots: dict[str, Snapshot] = {}

    def read(self, stream: str) -> Snapshot | None:
        return self._snapshots.get(stream)

    def write(self, snapshot: Snapshot) -> None:
        if stored_size_bytes(snapshot) >= STORED_LIMIT_BYTES:
            raise ValueError("the snapshot is larger than an item may be")
        self._snapshots[snapshot.stream] = snapshot

    def delete(self, stream: str) -> None:
        self._snapshots.pop(stream, None)


class InMemoryReadModel:
    """A transaction of PostgreSQL: several streams are advanced, or none.

    `unstorable` are rows that it refuses, as a database refuses a value of no type of its.
    """

    def __init__(self, unstorable: Collection[Any] = ()) -> None:
        self.gates: dict[str, Gate] = {}
        self.rows: dict[str, Any] = {}
        self.parked: dict[str, Park] = {}
        self._unstorable = unstorable
        self._lock = Lock()

    def positions(
        self, streams: Sequence[str], meanwhile: Meanwhile = nothing
    ) -> dict[str, Position]:
        meanwhile()
        with self._lock:
            return {stream: self._position(stream) for stream in streams}

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        """Raises ValueError for two advances of one stream."""
        if len({one.stream for one in advances}) != len(advances):
            raise ValueError("several advances of one stream")
        with self._lock:
            won = [one for one in advances if self.gates.get(one.stream, START) == one.start]
            if refused := [one.row for one in won if one.row in self._unstorable]:
                raise Unstorable(f"no room for {refused[0]}")
            for one in won:
                self._move(one)
            return {one.stream for one in won}

    def _position(self, stream: str) -> Position:
        park = self.parked.get(stream)
        reason = park.reason if park else None
        return Position(self.gates.get(stream), reason, self.rows.get(stream))

    def _move(self, advance: Advance) -> None:
        self.gates[advance.stream] = advance.end
        if advance.row is not None:
            self.rows[advance.stream] = advance.row
        self.parked.pop(advance.stream, None)
        if advance.park:
            self.parked[advance.stream] = advance.park
