"""What happened to an order: the internal events, as contracts/events/internal describes them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from reference_service.order.money import Money

CancelReason: TypeAlias = Literal["changed_mind", "ordered_by_mistake", "too_late", "other"]
ReturnReason: TypeAlias = Literal["order_cancelled", "order_not_confirmed", "already_shipped"]


class Line(msgspec.Struct, frozen=True):
    """One line of an order; quantity in pieces, price for one piece."""

    sku: str
    quantity: int
    unit_price: Money


class Delivery(msgspec.Struct, frozen=True):
    """A person's address: personal data, kept as one object so that it can be erased as one."""

    recipient: str
    street: str
    city: str
    postal_code: str
    country: str


class OrderPlaced(msgspec.Struct, frozen=True):
    customer_id: str
    lines: tuple[Line, ...]
    total: Money
    delivery: Delivery | None


class PaymentReceived(msgspec.Struct, frozen=True):
    payment_id: str
    amount: Money


class OrderConfirmed(msgspec.Struct, frozen=True):
    total: Money


class OrderShipped(msgspec.Struct, frozen=True):
    shipment_id: str


class OrderCancelled(msgspec.Struct, frozen=True):
    reason: CancelReason


class ReturnRequested(msgspec.Struct, frozen=True):
    shipment_id: str
    reason: ReturnReason


Event: TypeAlias = (
    OrderPlaced | PaymentReceived | OrderConfirmed | OrderShipped | OrderCancelled | ReturnRequested
)
