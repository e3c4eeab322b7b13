"""What happened to an order: the internal events, each in its newest version.

Generated from contracts/ by `bitacora contracts generate`; do not edit.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from reference_service.order.money import Money
from reference_service.sealing import Sealed

CancelReason: TypeAlias = Literal["changed_mind", "ordered_by_mistake", "too_late", "other"]
ReturnReason: TypeAlias = Literal["order_cancelled", "order_not_confirmed", "already_shipped"]


class OrderCancelled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The customer cancelled the order before it was shipped."""

    reason: CancelReason
    """Why the customer cancels."""


class OrderConfirmed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The payments cover the total; in the same commit as the payment that covers it."""

    total: Money
    """Sum of quantity times unit price over all lines."""


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of the order."""

    sku: str
    """Stock-keeping unit: what the shop calls the article."""

    quantity: int
    """How many of the article."""

    unit_price: Money
    """Price of one piece."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person's address: personal data as one object, so that it can be sealed and erased as one;
    null means erased.
    """

    recipient: str
    """Who receives the parcel."""

    street: str
    """Street and number."""

    city: str
    """City or town."""

    postal_code: str
    """Postal code as the country writes it."""

    country: str
    """ISO 3166-1 alpha-2 code, two capital letters."""


class OrderPlaced(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A customer placed an order. First event of its stream."""

    customer_id: str
    """The customer that the order belongs to: the subject of the caller's token."""

    lines: tuple[Line, ...]
    """What is ordered; one line for each article and price."""

    total: Money
    """Sum of quantity times unit price over all lines."""

    delivery: Delivery | Sealed | None
    """Where to deliver, and to whom; null once it was erased."""


class OrderShipped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Fulfilment dispatched the order."""

    shipment_id: str
    """The shipment as fulfilment calls it."""


class PaymentReceived(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A payment for the order came in."""

    payment_id: str
    """The payment as its provider calls it; a payment counts once."""

    amount: Money
    """What was paid."""


class ReturnRequested(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A shipment left that the order did not call for; it must come back."""

    shipment_id: str
    """The shipment as fulfilment calls it."""

    reason: ReturnReason
    """Why the shipment must come back."""


Event: TypeAlias = (
    OrderCancelled | OrderConfirmed | OrderPlaced | OrderShipped | PaymentReceived | ReturnRequested
)

# The newest version of each event's contract.
VERSIONS: dict[str, int] = {
    "OrderCancelled": 1,
    "OrderConfirmed": 1,
    "OrderPlaced": 3,
    "OrderShipped": 1,
    "PaymentReceived": 1,
    "ReturnRequested": 1,
}

# The oldest version whose readers read an event of this version, if older than itself.
OLDEST_READERS: dict[tuple[str, int], int] = {}
