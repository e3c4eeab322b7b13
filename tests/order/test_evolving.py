"""Only what a decision could have led to may change an order."""

import pytest

from reference_service.order.decider import ImpossibleEvent, evolve
from reference_service.order.events import (
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderShipped,
    ReturnRequested,
)
from tests.order.ana import CANCELLED, CONFIRMED, PLACED, SHIPPED, TOTAL, euros, paid
from tests.order.scenario import after

HISTORIES: dict[str, tuple[Event, ...]] = {
    "NotPlaced": (),
    "Placed": (PLACED,),
    "Confirmed": CONFIRMED,
    "Shipped": SHIPPED,
    "Cancelled": CANCELLED,
}
FOLLOWS: list[tuple[Event, set[str]]] = [
    (PLACED, {"NotPlaced"}),
    (paid(euros(1), "payment-2"), {"Placed"}),
    (OrderConfirmed(total=TOTAL), {"Placed"}),
    (OrderShipped(shipment_id="shipment-2"), {"Confirmed"}),
    (OrderCancelled(reason="other"), {"Placed", "Confirmed"}),
    (
        ReturnRequested(shipment_id="shipment-2", reason="already_shipped"),
        {"Placed", "Confirmed", "Shipped", "Cancelled"},
    ),
]


@pytest.mark.parametrize("state", HISTORIES)
@pytest.mark.parametrize(("event", "states"), FOLLOWS, ids=lambda value: type(value).__name__)
def test_an_event_follows_only_where_it_can(event: Event, states: set[str], state: str) -> None:
    before = after(*HISTORIES[state])
    if state in states:
        evolve(before, event)
    else:
        with pytest.raises(ImpossibleEvent, match=f"{type(event).__name__} cannot .* {state}"):
            evolve(before, event)
