"""What other services are told: public events, with ids and facts, never a personal value."""

from __future__ import annotations

from typing import assert_never

from reference_service import public_events as public
from reference_service.order.events import (
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderShipped,
    PaymentReceived,
    ReturnRequested,
)
from reference_service.order.money import Money
from reference_service.order.state import Existing

SOURCE = "bitacora.orders"


def published(order_id: str, version: int, event: Event, after: Existing) -> public.Event | None:
    """The public event for the event at `version`, `after` being the state it led to.

    None when nobody outside needs it: a payment shows as OrderConfirmed once it covers the total.
    """
    customer_id = after.customer_id
    match event:
        case OrderPlaced(total=total):
            return public.OrderPlaced(
                order_id=order_id, version=version, customer_id=customer_id, total=_money(total)
            )
        case PaymentReceived():
            return None
        case OrderConfirmed(total=total):
            return public.OrderConfirmed(
                order_id=order_id,
                version=version,
                customer_id=customer_id,
                lines=tuple(
                    public.Line(sku=line.sku, quantity=line.quantity) for line in after.lines
                ),
                total=_money(total),
            )
        case OrderShipped(shipment_id=shipment_id):
            return public.OrderShipped(
                order_id=order_id,
                version=version,
                customer_id=customer_id,
                shipment_id=shipment_id,
            )
        case OrderCancelled(reason=reason):
            return public.OrderCancelled(
                order_id=order_id, version=version, customer_id=customer_id, reason=reason
            )
        case ReturnRequested(shipment_id=shipment_id, reason=why):
            return public.ReturnRequested(
                order_id=order_id,
                version=version,
                customer_id=customer_id,
                shipment_id=shipment_id,
                reason=why,
            )
        case _:
            assert_never(event)


def _money(amount: Money) -> public.Money:
    return public.Money(amount=amount.amount, currency=amount.currency)
