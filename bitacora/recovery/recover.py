"""Commits that the event store lost, appended again from who still has them.

Appended as commands do: each under its own number, if that is free, with the hashes of its chain.
Nothing that stands is touched.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import START, Arrival, Gate, after, classify
from reference_service.cqrs.relay import decode_entry
from reference_service.cqrs.store import Appended, Conflict, EventStore, Unavailable
from reference_service.schemas import Undecodable

# Of one stream, consecutive.
Commits: TypeAlias = Sequence[Commit]

# Streams that are remembered: the log holds the commits of many streams in turn.
KEPT_STREAMS = 100
# A shard answers five calls a second, of whoever reads it; an iterator lives five minutes, in which
# its page has to be dealt with. Source: GetRecords.
PAGE, PAUSE_S = 1000, 0.2


@dataclass
class Recovered:
    """`commits` were seen (repeats too), `lost` of which the event store did not have.

    `appended` are those of them that it has now. What could not be: `forks` and `gaps` name the
    stream and the number of the first commit; `unreadable` counts what is no commit, there or here.
    """

    commits: int = 0
    lost: int = 0
    appended: int = 0
    forks: dict[str, int] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0

    @property
    def complete(self) -> bool:
        return not (self.forks or self.gaps or self.unreadable)


def recover(
    store: EventStore,
    source: Callable[[], Iterable[Commits]],
    tell: Callable[[Recovered], None],
    *,
    dry_run: bool,
) -> Recovered:
    """`source` gives commits of one stream at a time, consecutive; it is asked once more while
    what it gave late fills a gap. A dry run only counts what is lost.

    Raises Unavailable: what was appended stays, repeat it.
    """
    lost: set[tuple[str, int]] = set()
    appended, known = 0, _Known(store)
    while True:
        done = Recovered(appended=appended)
        for commits in source():
            done.commits += len(commits)
            if not commits:
                done.unreadable += 1
            else:
                _take(known, commits, done, lost, dry_run=dry_run)
            done.lost = len(lost)
            tell(done)
        if dry_run or not done.gaps or done.appended == appended:
            return done
        appended = done.appended


class _Known:
    """What the event store has of the streams that came last; asked again for what it had not."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._streams: dict[str, dict[int, Commit]] = {}  # the last one came last

    def standing(self, commits: Commits) -> dict[int, Commit]:
        """By number: what stands of these and of the one before. Raises Undecodable."""
        stream, first = commits[0].stream, commits[0].commit
        found = self._streams.pop(stream, {})
        if any(n not in found for n in range(max(first - 1, 1), commits[-1].commit + 1)):
            loaded = self.store.load(stream, after=max(first - 2, 0))
            found |= {one.commit: one for one in loaded}
        self._streams[stream] = found
        if len(self._streams) > KEPT_STREAMS:
            del self._streams[next(iter(self._streams))]
        return found


def _take(
    all_known: _Known,
    commits: Commits,
    done: Recovered,
    lost: set[tuple[str, int]],
    *,
    dry_run: bool,
) -> None:
    stream, first = commits[0].stream, commits[0].commit
    try:
        standing = all_known.standing(commits)
    except Undecodable:
        done.unreadable += 1
        return
    before = standing.get(first - 1)
    gate = START if first == 1 else after(before) if before else None
    for commit in commits:
        known = standing.get(commit.commit)
        if known is None:
            lost.add((stream, commit.commit))
            if dry_run:
                continue
            if gate is None:
                done.gaps[stream] = commit.commit
                return
        if (known or commit).hash != commit.hash or not _next(all_known.store, gate, commit, known):
            done.forks[stream] = commit.commit
            return
        done.appended += known is None
        standing[commit.commit] = commit
        gate = after(commit)


def _next(store: EventStore, gate: Gate | None, commit: Commit, known: Commit | None) -> bool:
    """Whether the commit stands, or could be appended after the gate."""
    if known is not None:
        return True
    if gate is None or classify(gate, commit) is not Arrival.NEXT:
        return False
    match store.append(commit):
        case Appended():
            return True
        case Conflict():
            return False
        case unknown:
            raise Unavailable(f"{commit.stream}/{commit.commit}: {unknown.reason}")


def of_table(dynamodb: Any, table: str) -> Iterator[Commits]:
    """The streams of another table of commits; () for one that holds what is no commit."""
    store, cursor = DynamoDBEventStore(dynamodb, table), None
    while True:
        histories, cursor = store.histories(cursor)
        yield from (history.commits for history in histories)
        if cursor is None:
            return


def of_log(kinesis: Any, stream: str, since: datetime | None) -> Iterator[Commits]:
    """What the log keeps (7 days), in the order of its shards; () for what is no entry."""
    began = datetime.now(UTC)
    start: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
    if since is not None:
        start = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since}
    for shard in _shards(kinesis, stream):
        for record in _records(kinesis, stream, shard, start, began):
            try:
                yield decode_entry(record["Data"])
            except (ValueError, msgspec.MsgspecError):
                yield ()


def _shards(kinesis: Any, stream: str) -> Iterator[str]:
    asked: dict[str, Any] = {"StreamName": stream}
    while True:
        page = kinesis.list_shards(**asked)
        yield from (shard["ShardId"] for shard in page["Shards"])
        if not page.get("NextToken"):
            return
        asked = {"NextToken": page["NextToken"]}


def _records(
    kinesis: Any, stream: str, shard: str, start: dict[str, Any], began: datetime
) -> Iterator[dict[str, Any]]:
    """Up to the end of the shard, or what came after `began`.

    An answer without records is not the end: MillisBehindLatest tells. Source: GetRecords.
    """
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)
    following = iterator["ShardIterator"]
    while following:
        page = kinesis.get_records(ShardIterator=following, Limit=PAGE)
        records = page["Records"]
        yield from records
        if records and records[-1]["ApproximateArrivalTimestamp"] > began:
            return
        if not records and not page.get("MillisBehindLatest"):
            return
        following = page.get("NextShardIterator")
        time.sleep(PAUSE_S)
