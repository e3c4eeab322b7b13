"""A resync finds every commit since a moment, in any number of slices, and touches nothing else."""

from collections.abc import Callable
from itertools import count

import pytest

from reference_service.cqrs.commit import Commit, sealed
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Projector
from reference_service.cqrs.publish import Publisher
from reference_service.cqrs.resync import BadCursor, Resync, Resynced
from reference_service.cqrs.store import Unavailable
from tests.cqrs.memory_read_model import InMemoryReadModel, project
from tests.cqrs.public_way import Bus, Markers, public_events
from tests.cqrs.toy import extended

BEFORE, SINCE, LATER = (f"2026-01-01T{hour}:00:00.000Z" for hour in (10, 11, 12))


def at(moment: str, commit: Commit) -> Commit:
    from msgspec.structs import replace

    return sealed(replace(commit, at=moment))


def stream(name: str, *moments: str) -> list[Commit]:
    commits: list[Commit] = []
    for number, moment in enumerate(moments, 1):
        previous = commits[-1] if commits else None
        commits.append(at(moment, extended(previous, name, number)))
    return commits


class Place:
    def __init__(self) -> None:
        self.store, self.sums = InMemoryEventStore(), InMemoryReadModel()
        self.bus, self.markers = Bus(), Markers()
        self.projector = Projector(self.store, self.sums, project)
        publisher = Publisher(self.store, self.bus, self.markers, public_events)
        self.resync = Resync(self.store, {"sums": lambda: self.projector}, publisher)

    def keep(self, *streams: list[Commit], shown: bool = False) -> None:
        for commits in streams:
            for commit in commits:
                self.store.append(commit)
            if shown:
                self.projector.repair(commits[0].stream)

    def slices(self, budget_s: float = 60, *, dry_run: bool = False) -> list[Resynced]:
        done = [self._slice(None, budget_s, dry_run)]
        while done[-1].cursor:
            done.append(self._slice(done[-1].cursor, budget_s, dry_run))
        return done

    def _slice(self, cursor: str | None, budget_s: float, dry_run: bool) -> Resynced:
        return self.resync.slice(cursor, SINCE, budget_s=budget_s, clock=seconds(), dry_run=dry_run)


def seconds() -> Callable[[], float]:
    """A clock on which every look takes a second."""
    looked = count()
    return lambda: float(next(looked))


@pytest.fixture
def place() -> Place:
    found = Place()
    found.keep(stream("before", BEFORE), shown=True)
    found.keep(stream("half", BEFORE, SINCE), stream("lost", LATER, LATER))
    found.keep(stream("shown", LATER), shown=True)
    return found


def test_what_came_since_is_shown_and_told_and_nothing_else(place: Place) -> None:
    [done] = place.slices()
    assert (done.streams, done.commits) == (4, 6)
    assert (done.concerned, done.behind, done.published, done.parked) == (3, 2, 4, [])
    assert place.sums.rows == {"before": 1, "half": 3, "lost": 3, "shown": 1}
    assert [event for event, _ in place.bus.taken] == [
        "half/2/0",
        "lost/1/0",
        "lost/2/0",
        "shown/1/0",
    ]


def test_a_dry_run_only_counts(place: Place) -> None:
    [done] = place.slices(dry_run=True)
    assert (done.concerned, done.behind, done.published) == (3, 2, 0)
    assert set(place.sums.rows) == {"before", "shown"}
    assert place.bus.taken == []


def test_slices_go_on_where_the_last_one_ended(place: Place) -> None:
    straight = Place()
    straight.store = place.store
    slices = place.slices(budget_s=1)
    assert len(slices) > 3
    assert sum(one.streams for one in slices) == 4
    assert sum(one.concerned for one in slices) == 3
    assert len(place.bus.taken) == len(set(place.bus.taken)) == 4


def test_a_slice_that_failed_is_repeated_without_harm(place: Place) -> None:
    place.bus.refused = {"lost/2/0"}
    with pytest.raises(Unavailable):
        place.slices()
    place.bus.refused = set()
    place.slices()
    assert place.sums.rows["lost"] == 3
    assert {event for event, _ in place.bus.taken} >= {"lost/1/0", "lost/2/0"}


def test_what_can_not_be_read_is_parked_and_the_rest_goes_on(place: Place) -> None:
    first = stream("poison", BEFORE)
    place.keep([*first, at(LATER, extended(first[0], "poison", body="not numbers"))])
    [done] = place.slices()
    assert done.parked == ["poison"]
    assert place.sums.parked["poison"].commit == 2
    assert place.markers.standing["publisher", "poison"][0] == 2
    assert place.sums.rows["shown"] == 1


def test_a_marker_from_before_is_left_to_republish(place: Place) -> None:
    place.markers.park("publisher", "half", 1, "before the moment")
    place.slices()
    assert place.markers.standing == {("publisher", "half"): (1, "before the moment")}


@pytest.mark.parametrize("cursor", ["x", "!!", "bm9uZQ", "eyJhIjoxfQ"])
def test_another_text_is_no_cursor(place: Place, cursor: str) -> None:
    with pytest.raises(BadCursor):
        place.resync.slice(cursor, SINCE, budget_s=1, clock=seconds())
