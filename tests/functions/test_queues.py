"""The functions on queues: effect first, answer then, and a repeat changes nothing."""

import json
from typing import Any

import msgspec
import pytest

from bitacora.faults import FaultProxy, Refuse, Rule
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.bootstrap import public_events
from reference_service.cqrs.commit import Commit
from reference_service.public_writer import PublicWriter
from reference_service.schemas import Schemas
from tests.aws.orders import CODEC, CONFIRMED, order_commits, order_id
from tests.functions.stage import VALUES, Stage, failures, heard, queue_event

CONTRACTS = Schemas.load()


def confirmed_event(number: int) -> dict[str, Any]:
    commits = order_commits(number, CONFIRMED[:1], CONFIRMED[1:])
    [[event]] = public_events(CONTRACTS, CODEC, PublicWriter(CONTRACTS))(commits, 2)
    return event


def events_store(stage: Stage) -> DynamoDBEventStore:
    return DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])


def keep(stage: Stage, commits: list[Commit]) -> None:
    for commit in commits:
        events_store(stage).append(commit)


def dispatched_event(number: int) -> dict[str, Any]:
    shipment = f"shipment-{order_id(number)}"
    at = "2026-01-01T13:00:00.000Z"
    return {
        "specversion": "1.0",
        "id": f"{shipment}/1/0",
        "source": "bitacora.fulfilment",
        "type": "ShipmentDispatched",
        "subject": shipment,
        "time": at,
        "datacontenttype": "application/json",
        "dataschema": "urn:bitacora:event:public:shipment_dispatched:v1",
        "correlationid": "correlation-1",
        "causationid": f"order-{order_id(number)}/2/1",
        "data": {
            "shipment_id": shipment,
            "order_id": order_id(number),
            "dispatched_at": at,
        },
    }


INVALID = ["no JSON", {}, {"type": "OrderConfirmed"}, {**confirmed_event(300), "data": {}}]


@pytest.mark.parametrize("name", ["fulfilment", "notifier", "ledger", "command_worker"])
def test_an_invalid_message_fails_alone(stage: Stage, name: str) -> None:
    valid = dispatched_event(300) if name == "command_worker" else confirmed_event(300)
    reported = failures(stage.function(name).handler(queue_event(*INVALID, valid), None))
    assert reported == ["message-0", "message-1", "message-2", "message-3"]


def test_the_ledger_keeps_each_event_once_under_its_id(stage: Stage) -> None:
    event = confirmed_event(301)
    ledger = stage.function("ledger")
    assert failures(ledger.handler(queue_event(event, event), None)) == []
    altered = {**event, "time": "2030-01-01T00:00:00.000Z"}
    assert failures(ledger.handler(queue_event(altered), None)) == []
    s3 = stage.client("s3")
    listed = s3.list_objects_v2(
        Bucket=VALUES["LEDGER_BUCKET"], Prefix=f"events/order-{order_id(301)}/"
    )
    assert [found["Key"] for found in listed["Contents"]] == [f"events/{event['id']}.json"]
    kept = s3.get_object(Bucket=VALUES["LEDGER_BUCKET"], Key=f"events/{event['id']}.json")
    assert json.loads(kept["Body"].read()) == event


def test_a_ledger_that_can_not_write_gives_the_message_back(stage: Stage) -> None:
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        ledger = stage.function("ledger", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="s3", operation="PUT *", times=None))
        event = queue_event(confirmed_event(302))
        assert failures(ledger.handler(event, None)) == ["message-0"]
    assert failures(stage.function("ledger").handler(event, None)) == []


def test_a_notification_names_its_event_and_no_person(stage: Stage) -> None:
    event = confirmed_event(303)
    assert failures(stage.function("notifier").handler(queue_event(event), None)) == []
    (notification,) = heard(stage.emulator, expected=1)
    assert notification["id"] == f"notification/{event['id']}"
    assert notification["about"] == "OrderConfirmed"
    assert notification["order_id"] == order_id(303)


def test_a_confirmed_order_is_shipped_once_and_told_the_same_each_time(stage: Stage) -> None:
    fulfilment = stage.function("fulfilment")
    event = confirmed_event(304)
    assert failures(fulfilment.handler(queue_event(event), None)) == []
    assert failures(fulfilment.handler(queue_event(event), None)) == []
    first, second = heard(stage.emulator, expected=2)
    assert first == second
    assert first["type"] == "ShipmentDispatched"
    assert first["data"]["order_id"] == order_id(304)
    assert first["causationid"] == event["id"]


def test_a_shipment_that_was_not_told_is_told_by_the_repeat(stage: Stage) -> None:
    event = queue_event(confirmed_event(305))
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        fulfilment = stage.function("fulfilment", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="events", operation="PutEvents", times=None))
        assert failures(fulfilment.handler(event, None)) == ["message-0"]
    item = stage.client("dynamodb").get_item(
        TableName=VALUES["SHIPMENTS_TABLE"], Key={"order_id": {"S": order_id(305)}}
    )
    kept = json.loads(item["Item"]["record"]["S"])["event"]
    assert failures(stage.function("fulfilment").handler(event, None)) == []
    assert heard(stage.emulator, expected=1) == [kept]


def test_a_dispatched_shipment_ships_the_order_once(stage: Stage) -> None:
    commits = order_commits(306, CONFIRMED[:1], CONFIRMED[1:])
    keep(stage, commits)
    worker = stage.function("command_worker")
    event = dispatched_event(306)
    assert failures(worker.handler(queue_event(event, event), None)) == []
    assert failures(worker.handler(queue_event(event), None)) == []
    *_, shipped = stored = events_store(stage).load(commits[0].stream)
    assert len(stored) == 3
    assert msgspec.json.decode(shipped.body)[0]["type"] == "OrderShipped"
    assert (shipped.causation, shipped.actor) == (event["id"], "bitacora.fulfilment")
    assert shipped.correlation == event["correlationid"]


def test_a_business_refusal_is_acknowledged_and_recorded(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """No such order: an outcome, not a dead letter."""
    worker = stage.function("command_worker")
    assert failures(worker.handler(queue_event(dispatched_event(307)), None)) == []
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["Refused"] == 1


def test_a_command_whose_outcome_is_unknown_is_delivered_again(stage: Stage) -> None:
    commits = order_commits(308, CONFIRMED[:1], CONFIRMED[1:])
    keep(stage, commits)
    event = queue_event(dispatched_event(308))
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        worker = stage.function("command_worker", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="dynamodb", operation="PutItem", times=None))
        assert failures(worker.handler(event, None)) == ["message-0"]
        proxy.clear()
        assert failures(worker.handler(event, None)) == []
    assert len(events_store(stage).load(commits[0].stream)) == 3
