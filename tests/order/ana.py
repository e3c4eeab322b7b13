"""Ana and her order for 41.90 EUR, taken from the full examples of the contracts."""

from __future__ import annotations

import msgspec

from reference_service.order.commands import CancelOrder, PlaceOrder, ReceivePayment
from reference_service.order.events import (
    CancelReason,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderShipped,
    PaymentReceived,
)
from reference_service.order.money import Money
from reference_service.schemas import CONTRACTS

ANA = "customer-42"
SHIPMENT = "shipment-1"

PLACED = msgspec.json.decode(
    (CONTRACTS / "events/internal/order_placed/examples/v3-full.json").read_bytes(),
    type=OrderPlaced,
)
assert PLACED.delivery is not None
PLACE = PlaceOrder(customer_id=ANA, lines=PLACED.lines, delivery=PLACED.delivery)


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


TOTAL = euros(4190)


def pay(amount: Money, payment_id: str = "payment-1", customer_id: str = ANA) -> ReceivePayment:
    return ReceivePayment(customer_id=customer_id, payment_id=payment_id, amount=amount)


def paid(amount: Money, payment_id: str = "payment-1") -> PaymentReceived:
    return PaymentReceived(payment_id=payment_id, amount=amount)


def cancel(reason: CancelReason = "changed_mind", customer_id: str = ANA) -> CancelOrder:
    return CancelOrder(customer_id=customer_id, reason=reason)


CONFIRMED = (PLACED, paid(TOTAL), OrderConfirmed(total=TOTAL))
SHIPPED = (*CONFIRMED, OrderShipped(shipment_id=SHIPMENT))
CANCELLED = (PLACED, OrderCancelled(reason="changed_mind"))
