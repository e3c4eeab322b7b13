"""The bus on EventBridge: what was not confirmed event by event is never taken for done."""

from typing import Any

import boto3
import pytest
from botocore.config import Config

from bitacora.faults import FaultProxy, LoseAnswer, Rule
from reference_service.aws.eventbridge_bus import EventBridgeBus
from tests.emulator import REGION, Emulator

BUS = "bus-under-test"


@pytest.fixture(scope="module")
def bus_name(emulator: Emulator) -> str:
    emulator.client("events").create_event_bus(Name=BUS)
    return BUS


def client(endpoint: str) -> Any:
    return boto3.client(
        "events",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )


@pytest.fixture
def events(emulator: Emulator) -> Any:
    return client(emulator.endpoint)


@pytest.fixture
def calls(events: Any) -> list[list[dict[str, Any]]]:
    made: list[list[dict[str, Any]]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        made.append(params["Entries"])

    events.meta.events.register("provide-client-params.events.PutEvents", note)
    return made


def cloud_events(count: int, padding: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"sum-1/{number}/0",
            "source": "bitacora.orders",
            "type": "OrderPlaced",
            "time": "2026-01-01T12:00:00.000Z",
            "data": {"padding": "x" * padding},
        }
        for number in range(count)
    ]


def test_a_call_holds_at_most_ten_events(events: Any, bus_name: str, calls: Any) -> None:
    assert EventBridgeBus(events, bus_name).publish(cloud_events(21)) == [True] * 21
    assert [len(call) for call in calls] == [10, 10, 1]


def test_a_call_stays_below_1_mb(events: Any, bus_name: str, calls: Any) -> None:
    assert all(EventBridgeBus(events, bus_name).publish(cloud_events(10, padding=250_000)))
    assert [len(call) for call in calls] == [4, 4, 2]
    for call in calls:
        assert sum(len(entry["Detail"]) for entry in call) < 1024 * 1024


def test_an_event_refused_within_a_call_is_told(events: Any, bus_name: str) -> None:
    """The emulator never refuses one, so its answer is altered on the way as the API describes."""

    def refuse_first(parsed: dict[str, Any], **_: Any) -> None:
        parsed["FailedEntryCount"] = 1
        parsed["Entries"][0] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate"}

    events.meta.events.register("after-call.events.PutEvents", refuse_first)
    confirmed = EventBridgeBus(events, bus_name).publish(cloud_events(12))
    assert confirmed == [False] + [True] * 9 + [False, True]


def test_a_call_without_an_answer_is_unconfirmed_and_so_is_what_follows(
    emulator: Emulator, bus_name: str
) -> None:
    with FaultProxy(lambda: emulator.endpoint) as proxy:
        proxy.inject(Rule(fault=LoseAnswer(), service="events", operation="PutEvents", times=None))
        bus = EventBridgeBus(client(proxy.url), bus_name)
        assert bus.publish(cloud_events(12)) == [False] * 12
