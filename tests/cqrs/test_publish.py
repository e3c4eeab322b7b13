"""The publisher: every public event of each commit, with ids that a repeat keeps."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from reference_service.cqrs.change import Change
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.publish import Publisher, Republished, Slice
from reference_service.cqrs.store import Unavailable
from tests.cqrs.public_way import LARGE, Bus, Markers, public_events
from tests.cqrs.toy import chain, extended

A, B = chain("a", 3), chain("b", 2)


class Stage:
    def __init__(self, *streams: Sequence[Commit]) -> None:
        self.store = InMemoryEventStore()
        for stream in streams:
            for commit in stream:
                self.store.append(commit)
        self.bus, self.markers = Bus(), Markers()
        self.publisher = Publisher(self.store, self.bus, self.markers, public_events)


@pytest.fixture
def stage() -> Stage:
    return Stage(A, B)


def change(commit: Commit, /, **other: Any) -> Change:
    known = {"kind": "INSERT", "commit": commit}
    return Change(
        id=f"{commit.stream}/{commit.commit}",
        stream=commit.stream,
        number=commit.commit,
        record=b"{}",
        **{**known, **other},
    )


def test_each_event_is_told_with_the_state_it_led_to(stage: Stage) -> None:
    done = stage.publisher.publish([change(A[0]), change(A[1]), change(B[0])])
    assert (done.failed, done.published) == ([], 4)
    assert stage.bus.taken == [("a/1/0", 1), ("a/2/0", 3), ("a/2/1", 23), ("b/1/0", 1)]


def test_a_commit_in_the_past_is_told_as_of_then(stage: Stage) -> None:
    """The store is ahead of the stream: later commits must not show."""
    stage.publisher.publish([change(A[1])])
    assert stage.bus.taken == [("a/2/0", 3), ("a/2/1", 23)]


def test_an_event_that_the_bus_refuses_fails_its_record_alone(stage: Stage) -> None:
    stage.bus.refused = {"a/2/1"}
    batch = [change(A[0]), change(A[1]), change(B[0])]
    done = stage.publisher.publish(batch)
    assert done.failed == [batch[1]]
    stage.bus.refused = set()
    assert stage.publisher.publish(done.failed).failed == []
    assert ("a/2/1", 23) in stage.bus.taken


def test_a_long_stream_is_told_in_one_pass() -> None:
    long, asked = chain("long", 50), list[int]()

    def policy(commits: Sequence[Commit], first: int) -> Iterator[list[dict[str, Any]]]:
        asked.append(first)
        return public_events(commits, first)

    stage = Stage(long)
    publisher = Publisher(stage.store, stage.bus, stage.markers, policy)
    assert publisher.republish("long").end == 50
    assert publisher.retell(long, since=long[30].at).end == 50
    assert asked == [1, 1 + sum(commit.at < long[30].at for commit in long)]


def test_alterations_are_the_relays_concern(stage: Stage) -> None:
    done = stage.publisher.publish([change(A[0], kind="REMOVE", commit=None)])
    assert (done.published, done.parked, stage.markers.standing) == (0, {}, {})


def test_a_fault_that_stays_parks_its_stream_alone() -> None:
    poison = extended(A[0], "a", body="not numbers")
    stage = Stage([A[0], poison], B)
    done = stage.publisher.publish([change(poison), change(B[0])])
    assert done.failed == []
    assert list(done.parked) == ["a"]
    number, reason = stage.markers.standing["publisher", "a"]
    assert number == 2
    assert "Undecodable" in reason
    assert stage.bus.taken == [("b/1/0", 1)]


def test_an_unreadable_record_parks_its_stream_alone(stage: Stage) -> None:
    done = stage.publisher.publish([change(A[0], commit=None, fault="no hash"), change(B[0])])
    assert done.failed == []
    assert stage.markers.standing == {("publisher", "a"): (1, "no hash")}


def test_a_commit_that_the_store_does_not_have_is_never_told(stage: Stage) -> None:
    forged = extended(A[0], "a", 99)
    done = stage.publisher.publish([change(forged)])
    assert "another commit 2" in done.parked["a"]
    assert stage.bus.taken == []


def test_an_event_too_large_for_its_readers_is_parked() -> None:
    large = extended(None, "a", LARGE)
    stage = Stage([large])
    assert "bytes" in stage.publisher.publish([change(large)]).parked["a"]
    assert stage.bus.taken == []


def test_a_store_that_is_down_fails_the_batch_and_parks_nothing(stage: Stage) -> None:
    class Down(InMemoryEventStore):
        def load(self, stream: str, after: int = 0) -> list[Commit]:
            raise Unavailable("throttled")

    publisher = Publisher(Down(), stage.bus, stage.markers, public_events)
    batch = [change(B[0]), change(A[1])]
    done = publisher.publish(batch)
    assert (done.failed, done.error) == (batch, "throttled")
    assert stage.markers.standing == {}


def test_republish_tells_the_whole_stream_with_the_same_ids(stage: Stage) -> None:
    stage.publisher.publish([change(commit) for commit in A])
    first, stage.bus.taken = stage.bus.taken, []
    stage.markers.park("publisher", "a", 3, "was poisoned")
    assert stage.publisher.republish("a") == Republished("a", 4, 3, None)
    assert stage.bus.taken == first
    assert stage.markers.standing == {}


def test_republish_sets_the_marker_anew_while_the_fault_is_there() -> None:
    poison = extended(A[0], "a", body="not numbers")
    stage = Stage([A[0], poison])
    done = stage.publisher.republish("a")
    assert stage.bus.taken == [("a/1/0", 1)]
    assert stage.markers.standing["publisher", "a"] == (2, done.parked)


def test_republish_that_is_not_confirmed_is_to_be_repeated(stage: Stage) -> None:
    stage.bus.refused = {"a/3/0"}
    stage.markers.park("publisher", "a", 3, "reason")
    with pytest.raises(Unavailable):
        stage.publisher.republish("a")
    assert stage.markers.standing


def hours(*, each_s: float = 0.0) -> Callable[[], float]:
    """A clock on which every look takes this long."""
    looked = count()
    return lambda: next(looked) * each_s


def parked(*streams: Sequence[Commit]) -> Stage:
    stage = Stage(*streams)
    for commits in streams:
        stage.markers.park("publisher", commits[0].stream, 1, "has version 2; here 1 is the newest")
    return stage


def test_reconcile_republishes_what_this_deployment_can_read() -> None:
    stage = parked(A, B)
    stage.markers.park("relay", "a", 1, "not ours")
    done = stage.publisher.reconcile(None, page=1, budget_s=10, clock=hours())
    assert done == Slice(None, [Republished("a", 4, 3, None), Republished("b", 3, 2, None)], 0)
    assert list(stage.markers.standing) == [("relay", "a")]
    assert ("b/2/0", 3) in stage.bus.taken


def test_reconcile_says_nothing_of_a_stream_whose_fault_is_still_there() -> None:
    poison = extended(A[0], "a", body="not numbers")
    stage = parked([A[0], poison], B)
    done = stage.publisher.reconcile(None, page=10, budget_s=10, clock=hours())
    assert (done.parked, [one.stream for one in done.republished]) == (1, ["b"])
    assert list(stage.markers.standing) == [("publisher", "a")]
    assert not [event for event, _ in stage.bus.taken if event.startswith("a/")]


@pytest.mark.parametrize("page", [1, 2, 10])
def test_reconcile_goes_on_where_its_time_ran_out(page: int) -> None:
    streams = [chain(name, 1) for name in "abcde"]
    stage = parked(*streams)
    cursor, told, slices = None, list[str](), 0
    while True:
        done = stage.publisher.reconcile(cursor, page=page, budget_s=3, clock=hours(each_s=1))
        told += [one.stream for one in done.republished]
        cursor, slices = done.cursor, slices + 1
        if cursor is None:
            break
    assert told == list("abcde")
    assert slices > 1
    assert stage.markers.standing == {}
