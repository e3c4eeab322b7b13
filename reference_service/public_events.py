"""What services tell each other: the public events, each in its newest version.

Generated from contracts/ by `bitacora contracts generate`; do not edit.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

CancelReason: TypeAlias = Literal["changed_mind", "ordered_by_mistake", "too_late", "other"]
ReturnReason: TypeAlias = Literal["order_cancelled", "order_not_confirmed", "already_shipped"]


class OrderCancelled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The customer cancelled the order before it was shipped."""

    order_id: str
    """The order."""

    version: int
    """Version of the order after this event: its place in the stream, from 1."""

    customer_id: str
    """The customer that the order belongs to: the subject of the caller's token."""

    reason: CancelReason
    """Why the customer cancels."""


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of the order."""

    sku: str
    """Stock-keeping unit: what the shop calls the article."""

    quantity: int
    """How many of the article."""


class Money(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An amount of money that changes hands: never zero, never negative."""

    amount: int
    """Minor units of the currency (cents), as an integer that every JSON reader keeps exactly."""

    currency: str
    """ISO 4217 code, three capital letters."""


class OrderConfirmed(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The order is paid; fulfilment may ship it."""

    order_id: str
    """The order."""

    version: int
    """Version of the order after this event: its place in the stream, from 1."""

    customer_id: str
    """The customer that the order belongs to: the subject of the caller's token."""

    lines: tuple[Line, ...]
    """What is to be shipped."""

    total: Money | None = None
    """What was paid: sum of quantity times unit price over all lines."""


class OrderPlaced(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A customer placed an order."""

    order_id: str
    """The order."""

    version: int
    """Version of the order after this event: its place in the stream, from 1."""

    customer_id: str
    """The customer that the order belongs to: the subject of the caller's token."""

    total: Money
    """Sum of quantity times unit price over all lines."""


class OrderShipped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The order is on its way."""

    order_id: str
    """The order."""

    version: int
    """Version of the order after this event: its place in the stream, from 1."""

    customer_id: str
    """The customer that the order belongs to: the subject of the caller's token."""

    shipment_id: str
    """The shipment as fulfilment calls it."""


class ReturnRequested(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A shipment left that the order did not call for; the customer is asked to send it back."""

    order_id: str
    """The order."""

    version: int
    """Version of the order after this event: its place in the stream, from 1."""

    customer_id: str
    """The customer that the order belongs to: the subject of the caller's token."""

    shipment_id: str
    """The shipment as fulfilment calls it."""

    reason: ReturnReason
    """Why the shipment must come back."""


class ShipmentDispatched(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Fulfilment handed the shipment to the carrier."""

    shipment_id: str
    """The shipment as fulfilment calls it."""

    order_id: str
    """The order."""

    dispatched_at: str
    """When the carrier took it. In UTC, RFC 3339, with a trailing Z."""


Event: TypeAlias = (
    OrderCancelled
    | OrderConfirmed
    | OrderPlaced
    | OrderShipped
    | ReturnRequested
    | ShipmentDispatched
)

# The newest version of each event's contract.
VERSIONS: dict[str, int] = {
    "OrderCancelled": 1,
    "OrderConfirmed": 2,
    "OrderPlaced": 1,
    "OrderShipped": 1,
    "ReturnRequested": 1,
    "ShipmentDispatched": 1,
}

# The oldest version whose readers read an event of this version, if older than itself.
OLDEST_READERS: dict[tuple[str, int], int] = {
    ("OrderConfirmed", 2): 1,
}
