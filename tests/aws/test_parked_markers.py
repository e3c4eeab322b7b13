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
