import pytest

from reference_service.aws.parked_markers import DynamoDBParkedMarkers
from reference_service.tables import PARKED
from tests.emulator import Emulator

TABLE = "markers-under-test"


@pytest.fixture(scope="module")
def markers(emulator: Emulator) -> DynamoDBParkedMarkers:
    emulator.create_table(TABLE, PARKED)
    return DynamoDBParkedMarkers(emulator.client("dynamodb"), TABLE)


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
        streams, cursor = markers.parked("projector", cursor, limit=2)
        assert len(streams) <= 2
        listed, pages = listed + streams, pages + 1
    assert listed == ["d", "e", "f", "g", "h"]


def test_a_listing_goes_on_although_its_last_stream_was_cleared(
    markers: DynamoDBParkedMarkers,
) -> None:
    for stream in ("j", "k", "l"):
        markers.park("ledger", stream, 1, "no state")
    streams, cursor = markers.parked("ledger", None, limit=2)
    for stream in streams:
        markers.clear("ledger", stream, up_to=1)
    assert markers.parked("ledger", cursor, limit=2)[0] == ["l"]


def test_a_consumer_without_markers_has_nothing_parked(markers: DynamoDBParkedMarkers) -> None:
    assert markers.parked("nobody", None, limit=2) == ([], None)
