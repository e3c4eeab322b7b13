"""The status is the part of the row that a hot look-up needs, folded alone."""

from hypothesis import given, settings

from reference_service.order import status, views
from reference_service.order.events import Event
from tests.order.ana import ANA, PLACED, SHIPPED
from tests.order.test_invariants import AT, commits

ORDER_ID = "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f"


def test_a_status_shows_where_the_order_stands_and_nothing_personal() -> None:
    shipped = status.project(None, ORDER_ID, SHIPPED, 4, AT)
    assert shipped == status.OrderStatus(
        order_id=ORDER_ID,
        customer_id=ANA,
        status="shipped",
        version=4,
        currency="EUR",
        total=4190,
        paid=4190,
        shipment_id="shipment-1",
        cancel_reason=None,
        placed_at=AT,
        updated_at=AT,
    )
    assert PLACED.delivery is not None
    assert PLACED.delivery.recipient not in str(shipped)


@given(commits)
@settings(max_examples=150, deadline=None)
def test_it_says_what_the_whole_row_says_after_any_history(commits: list[list[Event]]) -> None:
    """Whatever `evolve` may come to look at: what the status leaves out must not be missed."""
    row, alone, version = None, None, 0
    for number, events in enumerate(commits):
        version += len(events)
        at = f"2026-01-05T09:30:{number:02d}.000Z"
        row = views.project(row, ORDER_ID, events, version, at)
        alone = status.project(alone, ORDER_ID, events, version, at)
        assert alone == status.status_of(row)
