"""The heartbeat: a commit without events for each shard of the log, in a stream of its day."""

import hashlib
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from reference_service.cqrs.change import Change
from reference_service.cqrs.commit import Commit, digest
from reference_service.cqrs.gate import GENESIS, after
from reference_service.cqrs.heartbeat import Heart, days, is_heartbeat, shard_of, stream_of
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Delivery, Position, Projector
from reference_service.cqrs.publish import Published, Publisher
from reference_service.cqrs.store import Appended, Conflict, Unavailable, Unknown
from tests.cqrs.memory_read_model import InMemoryReadModel

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TODAY = NOON.date()


class Clock:
    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **passed: int) -> None:
        self.now += timedelta(**passed)


def heart(store: InMemoryEventStore, clock: Clock, shards: int = 1) -> Heart:
    ids = itertools.count()
    name = hashlib.sha256(str(id(clock)).encode()).hexdigest()[:8]
    return Heart(store, shards, clock, lambda: f"{name}-{next(ids)}")


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 16, 100])
def test_each_shard_has_a_stream_that_its_part_of_the_hash_keys_takes(shards: int) -> None:
    whole = 2**128
    for shard, stream in enumerate(days(shards, TODAY).today):
        key = int(hashlib.md5(stream.encode()).hexdigest(), 16)
        assert whole * shard <= key * shards < whole * (shard + 1)
        assert shard_of(stream) == shard


def test_a_stream_lasts_a_day() -> None:
    today, before = days(2, TODAY)
    assert days(2, TODAY - timedelta(days=1)).today == before
    assert not set(today) & set(before)
    assert today[0].startswith("heartbeat-0-2026-11-25-")


@pytest.mark.parametrize(
    "stream",
    [
        "order-1",
        "heartbeat",
        "heartbeat-0",
        "heartbeat-0-2026-11-25",
        "heartbeat-x-2026-11-25-0",
        "xheartbeat-0-2026-11-25-0",
        "heartbeat-0-2026-11-25-0x",
        "heartbeat-00-2026-11-25-0",
    ],
)
def test_no_other_stream_is_one(stream: str) -> None:
    assert shard_of(stream) is None


def test_a_heartbeat_is_a_commit_of_the_chain_without_a_version() -> None:
    store, clock = InMemoryEventStore(), Clock()
    beating = heart(store, clock)
    for _ in range(3):
        beating.beat()
        clock.tick(minutes=1)
    commits = store.load(stream_of(0, 1, TODAY))
    assert [commit.commit for commit in commits] == [1, 2, 3]
    assert [commit.version for commit in commits] == [0, 0, 0]
    assert [commit.prev for commit in commits] == [GENESIS, *(c.hash for c in commits[:2])]
    assert all(commit.hash == digest(commit) and is_heartbeat(commit) for commit in commits)
    assert [commit.at for commit in commits] == [f"2026-11-25T12:0{n}:00.000Z" for n in range(3)]
    assert len({commit.command_id for commit in commits}) == 3


def test_midnight_begins_new_streams() -> None:
    store, clock = InMemoryEventStore(), Clock()
    beating = heart(store, clock, shards=2)
    beating.beat()
    clock.tick(hours=12)
    commits = beating.beat()
    assert [commit.stream for commit in commits] == days(2, date(2026, 11, 26)).today
    assert [commit.commit for commit in commits] == [1, 1]


def test_another_function_that_beats_in_the_same_minute_does_no_harm() -> None:
    store, clock = InMemoryEventStore(), Clock()
    one, other = heart(store, clock), heart(store, Clock(clock.now))
    for each in (one, other, other, one):
        each.beat()
    assert [commit.commit for commit in store.load(stream_of(0, 1, TODAY))] == [1, 2, 3, 4]


class Racing(InMemoryEventStore):
    """Others append between a load and the next append, so many times."""

    def __init__(self, races: int) -> None:
        super().__init__()
        self.races = races

    def append(self, commit: Commit) -> Appended | Conflict:
        if self.races:
            self.races -= 1
            super().append(msgspec.structs.replace(commit, commit_id=f"other-{self.races}"))
        return super().append(commit)


def test_a_race_that_is_lost_is_run_once_more() -> None:
    store = Racing(races=1)
    (commit,) = heart(store, Clock()).beat()
    assert commit.commit == 2
    with pytest.raises(Unavailable, match="is another's"):
        heart(Racing(races=2), Clock()).beat()


class Unanswered(InMemoryEventStore):
    """Its first append is done, and not answered."""

    lost = False

    def append(self, commit: Commit) -> Appended | Conflict | Unknown:  # type: ignore[override]
        done = super().append(commit)
        if not self.lost:
            self.lost = True
            return Unknown("no answer")
        return done


def test_what_was_not_answered_is_found_by_the_next_beat() -> None:
    beating = heart(Unanswered(), Clock())
    with pytest.raises(Unavailable, match="no answer"):
        beating.beat()
    (commit,) = beating.beat()
    assert commit.commit == 2


def refuse(*_: object) -> object:
    raise AssertionError("a heartbeat means nothing to the domain")


def delivered(*commits: Commit) -> list[Delivery]:
    return [Delivery(id=str(n), stream=c.stream, commits=(c,)) for n, c in enumerate(commits)]


def test_a_projection_moves_only_the_gate(beats: Callable[[int], Sequence[Commit]]) -> None:
    commits = beats(3)
    store, model = InMemoryEventStore(), InMemoryReadModel()
    for commit in commits:
        store.append(commit)
    projector = Projector(store, model, refuse)
    done = projector.apply(delivered(commits[0], commits[2]))  # a gap is filled as in any stream
    stream = commits[0].stream
    assert (done.failed, done.parked, done.advanced) == ([], {}, 3)
    assert done.reached == {stream: commits[2].at}
    assert model.positions([stream])[stream] == Position(after(commits[2]))
    again = projector.apply(delivered(*commits))
    assert (again.failed, again.advanced, again.reached) == ([], 0, {})


def test_what_only_looks_like_one_is_parked(beats: Callable[[int], Sequence[Commit]]) -> None:
    (commit,) = beats(1)
    model = InMemoryReadModel()
    projector = Projector(InMemoryEventStore(), model, refuse)
    alike: list[dict[str, Any]] = [
        {"stream": "pulse-0-2026-11-25-0"},
        {"stream": commit.stream + "1", "count": 1},
        {"stream": commit.stream + "2", "body": "[ ]"},
    ]
    for changes in alike:
        forged = msgspec.structs.replace(commit, **changes)
        forged = msgspec.structs.replace(forged, hash=digest(forged))
        done = projector.apply(delivered(forged))
        assert done.parked.keys() == {forged.stream}


def test_the_publisher_has_nothing_to_tell(beats: Callable[[int], Sequence[Commit]]) -> None:
    class Unread(InMemoryEventStore):
        def load(self, stream: str, after: int = 0) -> list[Commit]:
            raise AssertionError("a day of heartbeats would be loaded each minute")

    class Silent:
        def publish(self, events: Sequence[object]) -> list[bool]:
            assert events == []
            return []

    changes = [
        Change(
            id=str(c.commit), kind="INSERT", stream=c.stream, number=c.commit, record=b"", commit=c
        )
        for c in beats(3)
    ]
    publisher = Publisher(Unread(), Silent(), None, refuse)  # type: ignore[arg-type]
    assert publisher.publish(changes) == Published()


@pytest.fixture
def beats() -> Callable[[int], Sequence[Commit]]:
    """So many heartbeats, a minute apart."""

    def made(count: int) -> list[Commit]:
        clock = Clock()
        beating = heart(InMemoryEventStore(), clock)
        commits = []
        for _ in range(count):
            commits += beating.beat()
            clock.tick(minutes=1)
        return commits

    return made
