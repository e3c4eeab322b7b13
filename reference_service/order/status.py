"""What a hot look-up asks of an order: where it stands and what is owed, no lines, no address."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from reference_service.order import views
from reference_service.order.events import CancelReason, Event
from reference_service.order.state import Status
from reference_service.order.views import OrderSummary


class OrderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of OrderSummary that take the same room for every order, and nothing personal."""

    order_id: str
    customer_id: str
    status: Status
    version: int
    currency: str
    total: int
    paid: int
    shipment_id: str | None
    cancel_reason: CancelReason | None
    placed_at: str
    updated_at: str


def status_of(summary: OrderSummary) -> OrderStatus:
    return OrderStatus(**{name: getattr(summary, name) for name in OrderStatus.__struct_fields__})


def project(
    before: OrderStatus | None, order_id: str, events: Sequence[Event], version: int, at: str
) -> OrderStatus:
    """The status after the events of one commit, by the fold of the whole row: `views.project`.

    No event looks at lines and address once the order is placed, so their absence changes nothing.
    Raises ImpossibleEvent.
    """
    row = None if before is None else _without_lines(before)
    return status_of(views.project(row, order_id, events, version, at))


def _without_lines(status: OrderStatus) -> OrderSummary:
    return OrderSummary(**msgspec.structs.asdict(status), lines=(), delivery=None)
