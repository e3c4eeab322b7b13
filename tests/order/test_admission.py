"""Who may know of an order: its own customer, and fulfilment."""

import pytest

from reference_service.order.commands import Command, ShipOrder
from reference_service.order.decider import admit
from reference_service.order.events import Event
from reference_service.order.rejections import UnknownOrder
from tests.order.ana import CANCELLED, CONFIRMED, PLACE, PLACED, SHIPPED, cancel, euros, pay
from tests.order.scenario import after, given

HISTORIES = [(PLACED,), CONFIRMED, SHIPPED, CANCELLED]


@pytest.mark.parametrize("command", [pay(euros(1)), cancel(), ShipOrder("shipment-1")])
def test_an_order_that_was_never_placed_is_unknown(command: Command) -> None:
    given().when(command).then_rejected(UnknownOrder())


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("command", [pay(euros(1), customer_id="bob"), cancel(customer_id="bob")])
def test_another_customers_order_is_as_unknown_as_none(
    command: Command, history: tuple[Event, ...]
) -> None:
    given(*history).when(command).then_rejected(UnknownOrder())


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("command", [pay(euros(1)), cancel(), ShipOrder("shipment-2")])
def test_the_customer_and_fulfilment_are_admitted(
    command: Command, history: tuple[Event, ...]
) -> None:
    assert admit(command, after(*history)) is None


def test_anyone_may_place_an_order() -> None:
    assert admit(PLACE, after()) is None
