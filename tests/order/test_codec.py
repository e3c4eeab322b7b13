"""Events become the body of a commit and come back, held to their contracts both ways."""

import json
from typing import Any

import msgspec
import pytest

from reference_service.order.codec import EVENTS, OrderCodec
from reference_service.order.events import Event, OrderConfirmed
from reference_service.order.money import Money
from reference_service.schemas import (
    CONTRACTS,
    Fault,
    InvalidEvent,
    Schemas,
    Undecodable,
    event_schema,
)
from tests.order.ana import PLACED, TOTAL, paid

CODEC = OrderCodec(Schemas.load())


def body(event_type: str, data: Any, v: Any = 1) -> str:
    return json.dumps([{"type": event_type, "v": v, "data": data}])


@pytest.mark.parametrize("form", ["minimal", "full"])
@pytest.mark.parametrize("event_type", EVENTS)
def test_every_example_is_read_and_written_again_the_same(event_type: str, form: str) -> None:
    folder = (CONTRACTS / event_schema("internal", event_type)).parent
    data = json.loads((folder / f"examples/v1-{form}.json").read_text())
    [event] = CODEC.decode(body(event_type, data))
    assert type(event).__name__ == event_type
    assert json.loads(CODEC.encode([event])) == [{"type": event_type, "v": 1, "data": data}]


def test_the_events_of_a_commit_keep_their_order() -> None:
    events: list[Event] = [paid(TOTAL), OrderConfirmed(total=TOTAL)]
    assert CODEC.decode(CODEC.encode(events)) == events


def test_an_event_that_breaks_its_contract_is_not_written() -> None:
    with pytest.raises(InvalidEvent) as refused:
        CODEC.encode([paid(TOTAL), OrderConfirmed(total=Money(0, "euro"))])
    assert refused.value.event_type == "OrderConfirmed"
    assert refused.value.faults == (
        Fault("/total/amount", "must be at least 1"),
        Fault("/total/currency", "must match ^[A-Z]{3}$"),
    )


def test_a_refused_event_does_not_repeat_personal_values() -> None:
    assert PLACED.delivery is not None
    delivery = msgspec.structs.replace(PLACED.delivery, street="Secret Street\n7")
    with pytest.raises(InvalidEvent) as refused:
        CODEC.encode([msgspec.structs.replace(PLACED, delivery=delivery)])
    assert "/delivery/street" in str(refused.value)
    assert "Secret" not in str(refused.value)


def test_an_integer_written_with_a_fraction_of_zero_is_an_integer() -> None:
    stored = '[{"type":"OrderConfirmed","v":1,"data":{"total":{"amount":4190.0,"currency":"EUR"}}}]'
    [event] = CODEC.decode(stored)
    assert isinstance(event, OrderConfirmed)
    assert (event.total.amount, type(event.total.amount)) == (4190, int)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("", "no list of events"),
        ("{}", "no list of events"),
        ("[", "no list of events"),
        ("[" * 100_000, "no list of events"),
        ('[{"type":"OrderShipped","v":1,"data":{"shipment_id":"\\ud800"}}]', "no list of events"),
        ("[]", "holds no event"),
        (body("OrderShipped", {"shipment_id": "s"}, v="1"), "no list of events"),
        (body("OrderShipped", {"shipment_id": "s"}, v=2), "OrderShipped has version 2; here 1"),
        (body("OrderShipped", {"shipment_id": "s"}, v=0), "OrderShipped has version 0"),
        (body("OrderLost", {}), "OrderLost is not an event"),
        (body("OrderShipped", {}), "OrderShipped breaks its contract: /shipment_id is required"),
        (body("OrderShipped", {"shipment_id": "s", "x": 1}), "/x is not a known property"),
    ],
)
def test_a_body_that_cannot_be_read_says_why(stored: str, reason: str) -> None:
    with pytest.raises(Undecodable) as refused:
        CODEC.decode(stored)
    assert reason in refused.value.reason
