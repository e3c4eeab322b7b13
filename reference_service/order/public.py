"""What other services are told: public events, with ids and facts, never a personal value."""

from __future__ import annotations

from typing import Any, NamedTuple, assert_never

from reference_service.order.events import (
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderShipped,
    PaymentReceived,
    ReturnRequested,
)
from reference_service.order.state import Existing

SOURCE = "bitacora.orders"


class PublicEvent(NamedTuple):
    """The type and the data of a CloudEvent."""

    type: str
    data: dict[str, Any]


def published(order_id: str, version: int, event: Event, after: Existing) -> PublicEvent | None:
    """The public event for the event at `version`, `after` being the state it led to.

    None when nobody outside needs it: a payment shows as OrderConfirmed once it covers the total.
    """
    facts = _facts(event, after)
    if facts is None:
        return None
    ids = {"order_id": order_id, "version": version, "customer_id": after.customer_id}
    return PublicEvent(type(event).__name__, ids | facts)


def _facts(event: Event, after: Existing) -> dict[str, Any] | None:
    match event:
        case OrderPlaced():
            total = event.total
            return {"total": {"amount": total.amount, "currency": total.currency}}
        case PaymentReceived():
            return None
        case OrderConfirmed():
            return {"lines": [{"sku": line.sku, "quantity": line.quantity} for line in after.lines]}
        case OrderShipped():
            return {"shipment_id": event.shipment_id}
        case OrderCancelled():
            return {"reason": event.reason}
        case ReturnRequested():
            return {"shipment_id": event.shipment_id, "reason": event.reason}
        case _:
            assert_never(event)
