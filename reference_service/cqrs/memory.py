"""The stores in memory, no kinder than DynamoDB: for tests, simulation and exploration."""

from threading import Lock
from zlib import crc32

from reference_service.cqrs.commit import STORED_LIMIT_BYTES, Commit, check_size
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
