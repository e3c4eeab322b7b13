"""Fulfilment ships an order once, and not at all once it was cancelled."""

import json
from typing import Any

import pytest

from reference_service.fulfilment.shipment import (
    Cancelled,
    Dispatched,
    Shipment,
    UnexpectedEvent,
    decode,
    encode,
    outgoing,
    react,
)
from reference_service.public_events import Line
from reference_service.public_writer import PublicWriter
from reference_service.schemas import CONTRACTS, Schemas, event_schema, urn
from tests.contracts.language import TOPOLOGY

ORDER_ID = "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f"
MONDAY, TUESDAY = "2026-01-05T09:30:00.000Z", "2026-01-06T09:30:00.000Z"
CONTENT = PublicWriter(Schemas.load()).content
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def told(event_type: str, **attributes: str) -> dict[str, Any]:
    """The CloudEvent of the order service around the full example of an event."""
    folder = (CONTRACTS / event_schema("public", event_type)).parent
    event = {
        "specversion": "1.0",
        "id": f"order-{ORDER_ID}/2/1",
        "source": "bitacora.orders",
        "type": event_type,
        "subject": f"order-{ORDER_ID}",
        "time": MONDAY,
        "datacontenttype": "application/json",
        "dataschema": urn(event_schema("public", event_type)),
        "correlationid": "correlation-1",
        "causationid": "command-1",
        "data": json.loads((folder / "examples/v1-full.json").read_text()),
    } | attributes
    assert Schemas.load().check_public(event) == ()
    return event


def shipped(now: str = MONDAY, **attributes: str) -> Dispatched:
    shipment = react(told("OrderConfirmed", **attributes), now, CONTENT)
    assert isinstance(shipment, Dispatched)
    return shipment


def told_by(shipment: Shipment) -> dict[str, Any]:
    event = outgoing(shipment)
    assert event is not None
    return event


def test_a_confirmed_order_is_shipped_with_its_lines() -> None:
    shipment = shipped(MONDAY)
    assert (shipment.order_id, shipment.dispatched_at) == (ORDER_ID, MONDAY)
    assert shipment.lines == (
        Line(sku="coffee-beans-1kg", quantity=2),
        Line(sku="paper-filter-100", quantity=1),
    )


def test_a_shipment_is_told_as_a_public_event_that_keeps_its_contract() -> None:
    shipment = shipped(MONDAY, traceparent=TRACE)
    event = told_by(shipment)
    assert Schemas.load().check_public(event) == ()
    assert event["data"] == {
        "shipment_id": shipment.shipment_id,
        "order_id": ORDER_ID,
        "dispatched_at": MONDAY,
    }


def test_the_event_says_what_caused_it() -> None:
    event = told_by(shipped(traceparent=TRACE))
    assert event["causationid"] == f"order-{ORDER_ID}/2/1"
    assert event["correlationid"] == "correlation-1"
    assert event["traceparent"] == TRACE
    assert "traceparent" not in told_by(shipped())


def test_a_confirmation_repeated_on_another_day_names_the_same_shipment_and_event() -> None:
    first, again = shipped(MONDAY), shipped(TUESDAY)
    assert again.shipment_id == first.shipment_id
    assert told_by(again)["id"] == told_by(first)["id"] == f"shipment-{ORDER_ID}/1/0"


def test_a_record_keeps_the_very_event_through_storage() -> None:
    kept = decode(encode(shipped(MONDAY, traceparent=TRACE)))
    assert told_by(kept) == told_by(shipped(MONDAY, traceparent=TRACE))


def test_a_cancelled_order_leaves_a_record_that_ships_nothing() -> None:
    record = react(told("OrderCancelled"), MONDAY, CONTENT)
    assert record == Cancelled(order_id=ORDER_ID, cancelled_at=MONDAY)
    assert outgoing(record) is None
    assert decode(encode(record)) == record


@pytest.mark.parametrize("event_type", TOPOLOGY)
def test_fulfilment_answers_exactly_the_events_that_it_is_sent(event_type: str) -> None:
    if "fulfilment" in TOPOLOGY[event_type]["consumers"]:
        react(told(event_type), MONDAY, CONTENT)
    else:
        with pytest.raises(UnexpectedEvent, match=event_type):
            react(told(event_type), MONDAY, CONTENT)
