"""What an order is at one version: a union, each member with what is known by then."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import msgspec

from reference_service.order.events import CancelReason, Delivery, Line
from reference_service.order.money import Money
from reference_service.sealing import Sealed

Status: TypeAlias = Literal["placed", "confirmed", "shipped", "cancelled"]


class NotPlaced(msgspec.Struct, frozen=True):
    """No event yet."""


class PlacedOrder(msgspec.Struct, frozen=True, kw_only=True, tag_field="status"):
    """What every order has once it was placed.

    `delivery` is None once it was erased; `payments` are the ids of the payments that count
    towards `paid`. In JSON the status tells which member of the union it is.
    """

    status: ClassVar[Status]

    customer_id: str
    lines: tuple[Line, ...]
    total: Money
    paid: Money
    delivery: Delivery | Sealed | None
    payments: tuple[str, ...] = ()


class Placed(PlacedOrder, frozen=True, kw_only=True, tag="placed"):
    """Waits for payments that cover its total."""

    status: ClassVar[Status] = "placed"


class Confirmed(PlacedOrder, frozen=True, kw_only=True, tag="confirmed"):
    """Paid; fulfilment may ship it."""

    status: ClassVar[Status] = "confirmed"


class Shipped(PlacedOrder, frozen=True, kw_only=True, tag="shipped"):
    """On its way to the customer."""

    status: ClassVar[Status] = "shipped"

    shipment_id: str


class Cancelled(PlacedOrder, frozen=True, kw_only=True, tag="cancelled"):
    """Given up by the customer before it was shipped."""

    status: ClassVar[Status] = "cancelled"

    reason: CancelReason


Existing: TypeAlias = Placed | Confirmed | Shipped | Cancelled
Order: TypeAlias = NotPlaced | Existing
