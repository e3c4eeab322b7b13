"""Shipments: what fulfilment does when it hears of an order.

There is one record per order and the first one stays (the table's conditional write sees to it),
because public events come repeatedly and in any order: an OrderCancelled that overtakes the
OrderConfirmed leaves a cancelled record behind, and the late OrderConfirmed ships nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from reference_service.schemas import event_schema, urn

SOURCE = "bitacora.fulfilment"


class Line(msgspec.Struct, frozen=True):
    """What to pack; quantity in pieces."""

    sku: str
    quantity: int


class Dispatched(msgspec.Struct, frozen=True, kw_only=True, tag_field="status", tag="dispatched"):
    """A shipment on its way.

    `event` is the ShipmentDispatched (a CloudEvent as JSON) that tells of it: kept, so that every
    repeat publishes the same event under the same id.
    """

    order_id: str
    shipment_id: str
    lines: tuple[Line, ...]
    dispatched_at: str
    event: dict[str, Any]


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag_field="status", tag="cancelled"):
    """Nothing is ever shipped for this order."""

    order_id: str
    cancelled_at: str


Shipment: TypeAlias = Dispatched | Cancelled


class UnexpectedEvent(ValueError):
    """A public event that fulfilment has no answer to."""


def react(event: Mapping[str, Any], now: str) -> Shipment:
    """The record that a public event calls for, to be kept if it is the order's first.

    `event` is a valid CloudEvent, `now` RFC 3339 in UTC. Raises UnexpectedEvent.
    """
    match event["type"]:
        case "OrderConfirmed":
            return ship(event, now)
        case "OrderCancelled":
            return Cancelled(order_id=event["data"]["order_id"], cancelled_at=now)
        case other:
            raise UnexpectedEvent(f"fulfilment has no answer to {other}")


def ship(confirmed: Mapping[str, Any], now: str) -> Dispatched:
    """The shipment of a confirmed order; its ids derive from the order's, so a repeat is equal."""
    order = confirmed["data"]
    return Dispatched(
        order_id=order["order_id"],
        shipment_id=f"shipment-{order['order_id']}",
        lines=msgspec.convert(order["lines"], tuple[Line, ...], strict=False),
        dispatched_at=now,
        event=_dispatched(confirmed, now),
    )


def outgoing(kept: Shipment) -> dict[str, Any] | None:
    """The event to publish for the record that was kept: the same at every repeat."""
    return kept.event if isinstance(kept, Dispatched) else None


def encode(shipment: Shipment) -> str:
    """The record as JSON text."""
    return msgspec.json.encode(shipment).decode()


def decode(record: str) -> Shipment:
    """The shipment of a record that `encode` made; raises msgspec.ValidationError for another."""
    return _RECORD.decode(record)


def _dispatched(confirmed: Mapping[str, Any], now: str) -> dict[str, Any]:
    order_id = confirmed["data"]["order_id"]
    shipment_id = f"shipment-{order_id}"
    event = {
        "specversion": "1.0",
        "id": f"{shipment_id}/1/0",
        "source": SOURCE,
        "type": "ShipmentDispatched",
        "subject": shipment_id,
        "time": now,
        "datacontenttype": "application/json",
        "dataschema": urn(event_schema("public", "ShipmentDispatched")),
        "correlationid": confirmed["correlationid"],
        "causationid": confirmed["id"],
        "data": {"shipment_id": shipment_id, "order_id": order_id, "dispatched_at": now},
    }
    if "traceparent" in confirmed:
        event["traceparent"] = confirmed["traceparent"]
    return event


_RECORD: msgspec.json.Decoder[Shipment] = msgspec.json.Decoder(Shipment)
