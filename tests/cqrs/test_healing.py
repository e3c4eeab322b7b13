"""What was parked comes back, in any order and by any number of attempts, to the same end."""

from collections.abc import Sequence
from itertools import product

import pytest

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.healing import Healing
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Projector
from reference_service.cqrs.publish import Publisher
from reference_service.cqrs.store import Unavailable
from tests.cqrs.memory_read_model import InMemoryReadModel, project
from tests.cqrs.public_way import Bus, Markers, public_events
from tests.cqrs.toy import chain, extended

A = chain("a", 3)
POISON = extended(A[1], "a", body="not numbers")


class Place:
    def __init__(self, commits: Sequence[Commit]) -> None:
        self.store = InMemoryEventStore()
        for commit in commits:
            self.store.append(commit)
        self.sums, self.totals = InMemoryReadModel(), InMemoryReadModel()
        self.bus, self.markers = Bus(), Markers()
        models = {"sums": self.sums, "totals": self.totals}
        self.healing = Healing(
            {
                name: lambda model=model: Projector(self.store, model, project)  # type: ignore[misc]
                for name, model in models.items()
            },
            Publisher(self.store, self.bus, self.markers, public_events),
            self.markers,
        )

    def everything(self) -> tuple[object, ...]:
        """What an operator or a reader could see."""
        told = sorted(set(self.bus.taken))
        return self.sums.rows, self.totals.rows, told, self.markers.standing


@pytest.fixture
def place() -> Place:
    return Place(A)


def test_repair_brings_every_read_model_up_and_tells_nobody(place: Place) -> None:
    healed = place.healing.repair("a")
    assert {name: (one.start, one.end) for name, one in healed.repaired.items()} == {
        "sums": (0, 3),
        "totals": (0, 3),
    }
    assert (healed.republished, healed.parked, place.bus.taken) == (None, {}, [])


def test_republish_touches_no_read_model(place: Place) -> None:
    healed = place.healing.republish("a")
    assert healed.republished
    assert (healed.republished.published, healed.republished.end) == (4, 3)
    assert (healed.repaired, place.sums.rows) == ({}, {})


@pytest.mark.parametrize("order", list(product(["repair", "republish"], repeat=3))[1:-1])
def test_any_order_and_any_number_of_attempts_end_alike(order: Sequence[str]) -> None:
    place, straight = Place(A), Place(A)
    for consumer in ("relay", "publisher"):
        place.markers.park(consumer, "a", 2, "no hash")
    straight.healing.repair("a")
    straight.healing.republish("a")
    for step in order:
        getattr(place.healing, step)("a")
    assert place.everything() == straight.everything()


@pytest.mark.parametrize("step", ["repair", "republish"])
def test_what_the_relay_could_not_read_is_healed_on_both_ways(place: Place, step: str) -> None:
    place.markers.park("relay", "a", 2, "no hash")
    healed = getattr(place.healing, step)("a")
    assert healed.parked == {}
    assert place.sums.rows == {"a": 26}
    assert ("a/2/1", 23) in place.bus.taken
    assert place.markers.standing == {}


def test_the_relays_marker_stays_until_the_bus_confirms(place: Place) -> None:
    place.markers.park("relay", "a", 2, "no hash")
    place.bus.refused = {"a/2/1"}
    with pytest.raises(Unavailable):
        place.healing.repair("a")
    assert place.markers.standing == {("relay", "a"): (2, "no hash")}
    place.bus.refused = set()
    assert place.healing.repair("a").parked == {}
    assert place.markers.standing == {}


def test_the_relays_marker_stays_while_a_read_model_stops_before_it() -> None:
    place = Place([*A[:2], POISON])
    place.markers.park("relay", "a", 3, "no hash")
    healed = place.healing.repair("a")
    assert set(healed.parked) == {"sums", "totals", "publisher", "relay"}
    assert "commit 3" in healed.parked["relay"]
    assert ("relay", "a") in place.markers.standing


def test_a_commit_that_the_relay_saw_and_the_store_lost_stays_parked() -> None:
    place = Place(A[:2])
    place.markers.park("relay", "a", 3, "no hash")
    assert set(place.healing.republish("a").parked) == {"relay"}
    place.store.append(A[2])
    assert place.healing.republish("a").parked == {}
    assert place.markers.standing == {}
