"""Commits that the event store lost, appended again from who still has them.

Appended as commands do: each under its own number, if that is free, with the hashes of its chain.
Nothing that stands is touched.
"""

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

# GetRecords may answer without records before the shard's end; of so many in a row it is none.
EMPTY_PAGES = 20


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
    appended = 0
    while True:
        done = Recovered(appended=appended)
        for commits in source():
            done.commits += len(commits)
            if not commits:
                done.unreadable += 1
            else:
                _take(store, commits, done, lost, dry_run=dry_run)
            done.lost = len(lost)
            tell(done)
        if dry_run or not done.gaps or done.appended == appended:
            return done
        appended = done.appended


def _take(
    store: EventStore,
    commits: Commits,
    done: Recovered,
    lost: set[tuple[str, int]],
    *,
    dry_run: bool,
) -> None:
    stream, first = commits[0].stream, commits[0].commit
    try:
        standing = {one.commit: one for one in store.load(stream, after=max(first - 2, 0))}
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
        if (known or commit).hash != commit.hash or not _next(store, gate, commit, known):
            done.forks[stream] = commit.commit
            return
        done.appended += known is None
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
    """Up to the end of the shard, or what came after `began`."""
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)
    following, empty = iterator["ShardIterator"], 0
    while following and empty < EMPTY_PAGES:
        page = kinesis.get_records(ShardIterator=following)
        yield from page["Records"]
        following = page.get("NextShardIterator")
        if not page["Records"]:
            empty += 1
            if page.get("MillisBehindLatest") == 0:
                return
        elif page["Records"][-1]["ApproximateArrivalTimestamp"] > began:
            return
        else:
            empty = 0
