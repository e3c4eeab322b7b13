"""Shipments: what fulfilment does when it hears of an order.

There is one record per order and the first one stays (the table's conditional write sees to it),
because public events come repeatedly and in any order: an OrderCancelled that overtakes the
OrderConfirmed leaves a cancelled record behind, and the late OrderConfirmed ships nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from reference_service.public_events import Line, OrderCancelled, OrderConfirmed, ShipmentDispatched

SOURCE = "bitacora.fulfilment"

# The attributes of a CloudEvent that tell of the event itself: type, dataschema, data.
Content: TypeAlias = Callable[[ShipmentDispatched], dict[str, Any]]
Public = TypeVar("Public", OrderConfirmed, OrderCancelled)


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


def react(event: Mapping[str, Any], now: str, content: Content) -> Shipment:
    """The record that a public event calls for, to be kept if it is the order's first.

    `event` is a valid CloudEvent, `now` RFC 3339 in UTC, `content` makes what the answering event
    says. Raises UnexpectedEvent.
    """
    match event["type"]:
        case "OrderConfirmed":
            return ship(event, now, content)
        case "OrderCancelled":
            return Cancelled(order_id=_data(event, OrderCancelled).order_id, cancelled_at=now)
        case other:
            raise UnexpectedEvent(f"fulfilment has no answer to {other}")


def ship(confirmed: Mapping[str, Any], now: str, content: Content) -> Dispatched:
    """The shipment of a confirmed order; its ids derive from the order's, so a repeat is equal."""
    order = _data(confirmed, OrderConfirmed)
    dispatched = ShipmentDispatched(
        shipment_id=f"shipment-{order.order_id}", order_id=order.order_id, dispatched_at=now
    )
    return Dispatched(
        order_id=order.order_id,
        shipment_id=dispatched.shipment_id,
        lines=order.lines,
        dispatched_at=now,
        event=_told(dispatched, confirmed, content),
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


def _told(
    dispatched: ShipmentDispatched, confirmed: Mapping[str, Any], content: Content
) -> dict[str, Any]:
    """The CloudEvent of a shipment that a confirmed order caused."""
    envelope = {
        "specversion": "1.0",
        "id": f"{dispatched.shipment_id}/1/0",
        "source": SOURCE,
        "subject": dispatched.shipment_id,
        "time": dispatched.dispatched_at,
        "datacontenttype": "application/json",
        "correlationid": confirmed["correlationid"],
        "causationid": confirmed["id"],
    }
    if "traceparent" in confirmed:
        envelope["traceparent"] = confirmed["traceparent"]
    return {**envelope, **content(dispatched)}


def _data(event: Mapping[str, Any], kind: type[Public]) -> Public:
    """What the event says, typed; what it says beyond that type is not for us."""
    return msgspec.convert(event["data"], kind, strict=False)


_RECORD: msgspec.json.Decoder[Shipment] = msgspec.json.Decoder(Shipment)
