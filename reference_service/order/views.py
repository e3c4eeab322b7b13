"""The read model's row of an order: the state laid out in columns, and back.

A projection turns the row into the state, lets the domain's own `evolve` change it and lays it
out again, so that no rule is written twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import msgspec

from reference_service.order.decider import evolve, initial
from reference_service.order.events import CancelReason, Delivery, Event, Line
from reference_service.order.money import Money
from reference_service.order.state import (
    Cancelled,
    Confirmed,
    Existing,
    NotPlaced,
    Placed,
    Shipped,
    Status,
)
from reference_service.sealing import Sealed


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One row of read_model.order_summary; the fields are its columns, in their order.

    Amounts in minor units of `currency`; times RFC 3339 in UTC. The ids of the payments that
    count are left to the event store: no reader needs them, and `evolve` does not look at them.
    """

    order_id: str
    customer_id: str
    status: Status
    version: int
    currency: str
    total: int
    paid: int
    lines: tuple[Line, ...]
    delivery: Delivery | Sealed | None
    shipment_id: str | None
    cancel_reason: CancelReason | None
    placed_at: str
    updated_at: str


def row(
    order_id: str, state: Existing, version: int, placed_at: str, updated_at: str
) -> OrderSummary:
    """The state at `version` as a row."""
    return OrderSummary(
        order_id=order_id,
        customer_id=state.customer_id,
        status=state.status,
        version=version,
        currency=state.total.currency,
        total=state.total.amount,
        paid=state.paid.amount,
        lines=state.lines,
        delivery=state.delivery,
        shipment_id=state.shipment_id if isinstance(state, Shipped) else None,
        cancel_reason=state.reason if isinstance(state, Cancelled) else None,
        placed_at=placed_at,
        updated_at=updated_at,
    )


def state(summary: OrderSummary) -> Existing:
    """The state that a row shows; its `payments` are not in the row and stay empty.

    Raises ValueError for a row that no state gives.
    """
    shared: dict[str, Any] = {
        "customer_id": summary.customer_id,
        "lines": summary.lines,
        "total": Money(summary.total, summary.currency),
        "paid": Money(summary.paid, summary.currency),
        "delivery": summary.delivery,
    }
    match summary.status, summary.shipment_id, summary.cancel_reason:
        case "placed", None, None:
            return Placed(**shared)
        case "confirmed", None, None:
            return Confirmed(**shared)
        case "shipped", str(shipment_id), None:
            return Shipped(**shared, shipment_id=shipment_id)
        case "cancelled", None, str(reason):
            return Cancelled(**shared, reason=reason)
        case _:
            raise ValueError(
                f"the row of order {summary.order_id} cannot be: status {summary.status}, "
                f"shipment {summary.shipment_id}, reason {summary.cancel_reason}"
            )


def project(
    before: OrderSummary | None, order_id: str, events: Sequence[Event], version: int, at: str
) -> OrderSummary:
    """The row after the events of one commit.

    `before` is None for the first commit, `version` that of the last event, `at` the commit's
    time. Raises ImpossibleEvent.
    """
    started = initial() if before is None else state(before)
    match reduce(evolve, events, started):
        case NotPlaced():
            raise ValueError(f"a commit of order {order_id} holds no event")
        case after:
            return row(order_id, after, version, at if before is None else before.placed_at, at)
