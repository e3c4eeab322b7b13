from datetime import UTC, datetime

import pytest

from reference_service.aws.parked_markers import DynamoDBParkedMarkers
from reference_service.tables import PARKED
from tests.emulator import Emulator

TABLE = "markers-under-test"


@pytest.fixture(scope="module")
def markers(emulator: Emulator) -> DynamoDBParkedMarkers:
    """On whose clock a minute passes with each marker that is set."""
    emulator.create_table(TABLE, PARKED)
    minutes = (datetime(2026, 1, 1, 12, n, tzinfo=UTC) for n in range(60))
    return DynamoDBParkedMarkers(emulator.client("dynamodb"), TABLE, lambda: next(minutes))


def standing(emulator: Emulator, stream: str) -> dict[str, int]:
    items = emulator.client("dynamodb").scan(TableName=TABLE)["Items"]
    return {
        item["consumer"]["S"]: int(item["commit"]["N"])
        for item in items
        if item["stream"]["S"] == stream
    }


def test_each_consumer_has_its_own_marker(
    markers: DynamoDBParkedMarkers, emulator: Emulator
) -> None:
    markers.park("relay", "a", 3, "no hash")
    markers.park("publisher", "a", 4, "no state")
    markers.park("publisher", "a", 5, "no state")
    assert standing(emulator, "a") == {"relay": 3, "publisher": 5}
    markers.clear("publisher", "a", up_to=5)
    assert standing(emulator, "a") == {"relay": 3}


def test_a_marker_that_was_set_meanwhile_is_not_cleared(
    markers: DynamoDBParkedMarkers, emulator: Emulator
) -> None:
    markers.park("publisher", "b", 7, "new fault")
    markers.clear("publisher", "b", up_to=6)
    assert standing(emulator, "b") == {"publisher": 7}


def test_clearing_what_is_not_there_is_no_fault(
    markers: DynamoDBParkedMarkers, emulator: Emulator
) -> None:
    markers.clear("publisher", "c", up_to=1)
    assert standing(emulator, "c") == {}


def test_the_streams_that_a_consumer_parked_are_listed_a_page_at_a_time(
    markers: DynamoDBParkedMarkers,
) -> None:
    for stream in ("d", "e", "f", "g", "h"):
        markers.park("projector", stream, 1, "no state")
    markers.park("relay", "i", 1, "no hash")
    listed: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page, cursor = markers.parked("projector", cursor, limit=2)
        assert len(page) <= 2
        listed, pages = [*listed, *(one.stream for one in page)], pages + 1
    assert listed == ["d", "e", "f", "g", "h"]


def test_a_listing_goes_on_although_its_last_stream_was_cleared(
    markers: DynamoDBParkedMarkers,
) -> None:
    for stream in ("j", "k", "l"):
        markers.park("ledger", stream, 1, "no state")
    page, cursor = markers.parked("ledger", None, limit=2)
    for one in page:
        markers.clear("ledger", one.stream, up_to=1)
    [last] = markers.parked("ledger", cursor, limit=2)[0]
    assert last.stream == "l"


def test_a_marker_tells_since_when_its_stream_stands(markers: DynamoDBParkedMarkers) -> None:
    markers.park("publisher", "m", 2, "no state")
    first = markers.find("publisher", "m")
    assert first
    assert (first.commit, first.reason) == (2, "no state")
    assert first.since
    markers.park("publisher", "m", 2, "no state")
    assert markers.find("publisher", "m") == first
    markers.park("publisher", "m", 3, "no state")
    later = markers.find("publisher", "m")
    assert later
    assert later.since
    assert (later.commit, later.since > first.since) == (3, True)
    assert markers.find("relay", "m") is None


def test_a_consumer_without_markers_has_nothing_parked(markers: DynamoDBParkedMarkers) -> None:
    assert markers.parked("nobody", None, limit=2) == ([], None)
