"""What the event store lost is appended again, link by link, and nothing else."""

import uuid
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from bitacora.recovery.recover import Commits, Recovered, of_log, of_table, recover
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.kinesis_log import KinesisLog
from reference_service.cqrs.commit import Commit, sealed
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.relay import encode_entry
from reference_service.tables import EVENTS
from tests.cqrs.toy import chain, extended
from tests.emulator import Emulator

A, B = chain("a", 4), chain("b", 2)


def store_of(*commits: Commit) -> InMemoryEventStore:
    store = InMemoryEventStore()
    for commit in commits:
        store.append(commit)
    return store


def recovered(
    store: InMemoryEventStore, *entries: Sequence[Commit], dry_run: bool = False
) -> Recovered:
    def source() -> Sequence[Commits]:
        return entries

    return recover(store, source, lambda _: None, dry_run=dry_run)


def test_a_lost_tail_and_a_lost_stream_come_back() -> None:
    store = store_of(*A[:2])
    done = recovered(store, A[:1], A[1:3], A[3:], B)
    assert (done.commits, done.lost, done.appended, done.complete) == (6, 4, 4, True)
    assert (store.load("a"), store.load("b")) == (A, B)
    assert recovered(store, A, B) == Recovered(commits=6)


def test_repeats_and_any_order_come_to_the_same() -> None:
    store = store_of(A[0])
    done = recovered(store, A[3:], A[2:3], A[2:], A[:2], A)
    assert (done.lost, done.appended, done.complete) == (3, 3, True)
    assert store.load("a") == A


class Asked(InMemoryEventStore):
    """Counts the commits that were read from it."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        found = super().load(stream, after)
        self.read += len(found)
        return found


def test_a_long_stream_is_not_read_once_for_each_of_its_entries() -> None:
    """As a heartbeat's of a day, a commit in each entry."""
    store, long = Asked(), chain("long", 200)
    for commit in long[:150]:
        store.append(commit)
    done = recovered(store, *([commit] for commit in long))
    assert (done.commits, done.appended, done.complete) == (200, 50, True)
    assert store.read < 2 * len(long)


def test_what_others_append_meanwhile_is_not_taken_for_lost() -> None:
    store = store_of(*A[:2])

    def source() -> Iterator[Commits]:
        yield A[:1]
        store.append(A[2])
        yield A[2:3]

    assert recover(store, source, lambda _: None, dry_run=False) == Recovered(commits=2)


def test_a_dry_run_only_counts() -> None:
    store = store_of(A[0])
    done = recovered(store, A, A, B, dry_run=True)
    assert (done.lost, done.appended) == (5, 0)
    assert store.load("a") == A[:1]


def test_what_is_missing_before_is_named() -> None:
    store = store_of(A[0])
    done = recovered(store, A[2:])
    assert (done.gaps, done.appended, done.complete) == ({"a": 3}, 0, False)
    assert store.load("a") == A[:1]


def test_a_history_that_went_on_otherwise_is_left_alone() -> None:
    other = extended(A[1], "a", 99)
    store = store_of(*A[:2], other)
    done = recovered(store, A, B)
    assert (done.forks, done.appended, done.complete) == ({"a": 3}, 2, False)
    assert store.load("a") == [*A[:2], other]


@pytest.mark.parametrize(
    "forged",
    [replace(A[2], body=A[3].body), sealed(replace(A[2], prev=A[0].hash))],
    ids=["altered", "of another chain"],
)
def test_a_commit_that_does_not_hold_is_not_taken(forged: Commit) -> None:
    store = store_of(*A[:2])
    assert recovered(store, [forged]).forks == {"a": 3}
    assert store.load("a") == A[:2]


def test_the_log_is_read_to_its_end_over_all_its_shards(emulator: Emulator) -> None:
    kinesis, name = emulator.client("kinesis"), f"log-{uuid.uuid4().hex}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    streams = [chain(f"s{number}", 3) for number in range(30)]
    log = KinesisLog(kinesis, name)
    entries = [(commits[0].stream, encode_entry(commits)) for commits in streams]
    assert all(log.put([*entries, ("junk", b"no entry")]))
    found = list(of_log(kinesis, name, None))
    assert sorted(commits[0].stream for commits in found if commits) == sorted(
        commits[0].stream for commits in streams
    )
    assert [len(commits) for commits in found if not commits] == [0]
    store = store_of()
    done = recover(store, lambda: of_log(kinesis, name, None), lambda _: None, dry_run=False)
    assert (done.appended, done.unreadable, done.complete) == (90, 1, False)


def test_a_restored_table_gives_what_it_has(emulator: Emulator) -> None:
    table = f"restored-{uuid.uuid4().hex}"
    emulator.create_table(table, EVENTS)
    dynamodb = emulator.client("dynamodb")
    restored = DynamoDBEventStore(dynamodb, table)
    for commit in (*A, *B):
        restored.append(commit)
    store = store_of(*A[:1])
    done = recover(store, lambda: of_table(dynamodb, table), lambda _: None, dry_run=False)
    assert (done.commits, done.appended, done.complete) == (6, 5, True)
    assert (store.load("a"), store.load("b")) == (A, B)
