"""What may be asked of an order, and how a validated body becomes a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from reference_service.order.events import CancelReason, Delivery, Line
from reference_service.order.money import Money
from reference_service.sealing import Sealed


class PlaceOrder(msgspec.Struct, frozen=True):
    customer_id: str
    lines: tuple[Line, ...]
    delivery: Delivery | Sealed


class ReceivePayment(msgspec.Struct, frozen=True):
    customer_id: str
    payment_id: str
    amount: Money


class CancelOrder(msgspec.Struct, frozen=True):
    customer_id: str
    reason: CancelReason


class ShipOrder(msgspec.Struct, frozen=True):
    """Fulfilment dispatched a shipment: a fact from outside, recorded and never refused."""

    shipment_id: str


CustomerCommand: TypeAlias = PlaceOrder | ReceivePayment | CancelOrder
Command: TypeAlias = CustomerCommand | ShipOrder

Customers = TypeVar("Customers", bound=CustomerCommand)

# The schema in contracts/commands that a customer's body must have passed.
SCHEMAS: dict[type[CustomerCommand], str] = {
    PlaceOrder: "commands/place_order/v1",
    ReceivePayment: "commands/receive_payment/v1",
    CancelOrder: "commands/cancel_order/v1",
}


def customer_command(kind: type[Customers], customer_id: str, body: Mapping[str, Any]) -> Customers:
    """The customer's command in a body that has passed SCHEMAS[kind]."""
    # Not strict: JSON Schema takes 2.0 for an integer; what is no integer the schema has refused.
    return msgspec.convert({**body, "customer_id": customer_id}, kind, strict=False)
