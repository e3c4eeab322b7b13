"""The read model's row and the state are two forms of the same order."""

import msgspec
import pytest

from reference_service.order import views
from reference_service.order.decider import ImpossibleEvent
from reference_service.order.events import Event, OrderConfirmed, OrderShipped, ReturnRequested
from reference_service.order.state import NotPlaced
from tests.order.ana import ANA, CANCELLED, CONFIRMED, PLACED, SHIPPED, TOTAL, euros, paid
from tests.order.scenario import after

ORDER_ID = "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f"
MONDAY, TUESDAY = "2026-01-05T09:30:00.000Z", "2026-01-06T09:30:00.000Z"


def row_after(*history: Event) -> views.OrderSummary:
    state = after(*history)
    assert not isinstance(state, NotPlaced)
    return views.row(ORDER_ID, state, len(history), MONDAY, TUESDAY)


def test_a_row_shows_the_order() -> None:
    assert row_after(*SHIPPED) == views.OrderSummary(
        order_id=ORDER_ID,
        customer_id=ANA,
        status="shipped",
        version=4,
        currency="EUR",
        total=4190,
        paid=4190,
        lines=PLACED.lines,
        delivery=PLACED.delivery,
        shipment_id="shipment-1",
        cancel_reason=None,
        placed_at=MONDAY,
        updated_at=TUESDAY,
    )


@pytest.mark.parametrize(
    ("history", "status", "paid_cents", "reason"),
    [
        ((PLACED,), "placed", 0, None),
        ((PLACED, paid(euros(10))), "placed", 10, None),
        (CONFIRMED, "confirmed", 4190, None),
        (CANCELLED, "cancelled", 0, "changed_mind"),
    ],
)
def test_a_row_follows_the_order(
    history: tuple[Event, ...], status: str, paid_cents: int, reason: str | None
) -> None:
    row = row_after(*history)
    assert (row.status, row.paid, row.cancel_reason) == (status, paid_cents, reason)


@pytest.mark.parametrize("history", [(PLACED,), CONFIRMED, SHIPPED, CANCELLED])
def test_a_row_becomes_the_state_and_the_row_again(history: tuple[Event, ...]) -> None:
    row = row_after(*history)
    state = views.state(row)
    assert type(state) is type(after(*history))
    assert views.row(ORDER_ID, state, row.version, row.placed_at, row.updated_at) == row


def test_an_erased_delivery_stays_erased() -> None:
    row = row_after(msgspec.structs.replace(PLACED, delivery=None))
    assert views.state(row).delivery is None


def test_the_projection_keeps_when_the_order_was_placed() -> None:
    placed = views.project(None, ORDER_ID, [PLACED], 1, MONDAY)
    confirmed = views.project(
        placed, ORDER_ID, [paid(TOTAL), OrderConfirmed(total=TOTAL)], 3, TUESDAY
    )
    assert confirmed == row_after(*CONFIRMED)
    assert (placed.placed_at, placed.updated_at) == (MONDAY, MONDAY)


def test_a_return_moves_the_version_only() -> None:
    shipped = row_after(*SHIPPED)
    returned = ReturnRequested(shipment_id="shipment-2", reason="already_shipped")
    after_return = views.project(shipped, ORDER_ID, [returned], 5, TUESDAY)
    assert after_return == msgspec.structs.replace(shipped, version=5)


def test_an_event_that_cannot_follow_is_refused() -> None:
    with pytest.raises(ImpossibleEvent, match=r"OrderShipped cannot happen.*state Placed"):
        views.project(
            row_after(PLACED), ORDER_ID, [OrderShipped(shipment_id="shipment-1")], 2, TUESDAY
        )
    with pytest.raises(ImpossibleEvent, match=r"OrderShipped cannot happen.*state NotPlaced"):
        views.project(None, ORDER_ID, [OrderShipped(shipment_id="shipment-1")], 1, TUESDAY)


def test_a_row_that_no_state_gives_is_refused() -> None:
    broken = msgspec.structs.replace(row_after(*SHIPPED), shipment_id=None)
    with pytest.raises(ValueError, match=f"order {ORDER_ID} cannot be: status shipped"):
        views.state(broken)
