"""The heartbeat: a commit without events each minute, so that silence is not taken for health.

It goes the whole way of a commit, from the event store to the read models. How old the newest one
is that a read model has applied bounds how far that lags behind: with nothing on the way no order
would tell. Each shard of the log has streams of its own, a new one each day: none grows for ever.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from itertools import count
from typing import NamedTuple

from reference_service.cqrs.commit import Cause, Commit, following, timestamp
from reference_service.cqrs.store import Appended, Conflict, EventStore, Unavailable

EMPTY_BODY = "[]"
_STREAM = re.compile(r"heartbeat-(0|[1-9][0-9]*)-[0-9]{4}-[0-9]{2}-[0-9]{2}-(?:0|[1-9][0-9]*)")


class Days(NamedTuple):
    """The heartbeat streams of two days, a stream per shard, in the order of the shards."""

    today: list[str]
    before: list[str]


@cache
def stream_of(shard: int, shards: int, day: date) -> str:
    """The stream of that day (UTC) whose commits go to that of the log's `shards` shards.

    "heartbeat-2-2026-11-25-7": the last number is the smallest for which the shard takes the name
    as a partition key. A key goes to the shard in whose part of 0 … 2**128 - 1 its MD5 lies, and a
    new stream's shards have equal parts. Source: Kinesis, CreateStream and PutRecord, PartitionKey.
    """
    for salt in count():
        name = f"heartbeat-{shard}-{day}-{salt}"
        key = int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest())
        if key * shards >> 128 == shard:
            return name
    raise AssertionError("count() does not end")


@cache
def days(shards: int, today: date) -> Days:
    """Where the newest heartbeat of each shard stands: shortly after midnight, the day before."""
    yesterday = today - timedelta(days=1)
    return Days(*([stream_of(n, shards, day) for n in range(shards)] for day in (today, yesterday)))


def shard_of(stream: str) -> int | None:
    """The shard that a heartbeat stream tells of; None for every other stream."""
    match = _STREAM.fullmatch(stream)
    return int(match[1]) if match else None


def is_heartbeat(commit: Commit) -> bool:
    """Whether the commit is nothing but a sign of life."""
    return not commit.count and commit.body == EMPTY_BODY and shard_of(commit.stream) is not None


class Heart:
    """Appends heartbeats; it remembers the last commits, so that it reads only what is new."""

    def __init__(
        self,
        store: EventStore,
        shards: int,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._shards = shards
        self._clock = clock
        self._new_id = new_id
        self._last: dict[str, Commit] = {}

    def beat(self) -> list[Commit]:
        """Append a heartbeat for each shard. Raises Unavailable: then some may lack theirs.

        One more than needed does no harm.
        """
        streams = days(self._shards, self._clock().date()).today
        self._last = {stream: last for stream, last in self._last.items() if stream in streams}
        return [self._appended(stream) for stream in streams]

    def _appended(self, stream: str) -> Commit:
        """Raises Unavailable. Who loses a race tries once more: others beat in the same minute."""
        for _ in range(2):
            known = self._last.get(stream)
            newer = self._store.load(stream, after=known.commit if known else 0)
            commit = self._next(stream, newer[-1] if newer else known)
            match self._store.append(commit):
                case Appended():
                    self._last[stream] = commit
                    return commit
                case Conflict(winner):
                    reason = f"commit {winner.commit} is another's"
                case unknown:
                    reason = unknown.reason
                    break
        raise Unavailable(f"{stream} got no heartbeat: {reason}")

    def _next(self, stream: str, previous: Commit | None) -> Commit:
        new_id = self._new_id()
        cause = Cause(
            command_id=new_id,
            fingerprint="",
            actor="heartbeat",
            causation=new_id,
            correlation=new_id,
        )
        return following(
            previous,
            stream=stream,
            cause=cause,
            body=EMPTY_BODY,
            count=0,
            at=timestamp(self._clock()),
            commit_id=new_id,
        )
