"""A shipment that left is a fact: it is recorded whatever the order's state."""

from reference_service.order.commands import ShipOrder
from reference_service.order.events import OrderShipped, ReturnRequested
from reference_service.order.rejections import UnknownOrder
from tests.order.ana import CANCELLED, CONFIRMED, PLACED, SHIPMENT, SHIPPED
from tests.order.scenario import after, given

SHIP = ShipOrder(shipment_id=SHIPMENT)


def test_a_confirmed_order_is_shipped() -> None:
    given(*CONFIRMED).when(SHIP).then(OrderShipped(shipment_id=SHIPMENT))


def test_a_shipment_of_a_cancelled_order_must_come_back() -> None:
    given(*CANCELLED).when(SHIP).then(
        ReturnRequested(shipment_id=SHIPMENT, reason="order_cancelled")
    )


def test_a_shipment_of_an_unpaid_order_must_come_back() -> None:
    given(PLACED).when(SHIP).then(
        ReturnRequested(shipment_id=SHIPMENT, reason="order_not_confirmed")
    )


def test_a_second_shipment_must_come_back() -> None:
    given(*SHIPPED).when(ShipOrder(shipment_id="shipment-2")).then(
        ReturnRequested(shipment_id="shipment-2", reason="already_shipped")
    )


def test_the_same_shipment_told_again_changes_nothing() -> None:
    given(*SHIPPED).when(SHIP).then_nothing()


def test_a_return_leaves_the_order_as_it_is() -> None:
    returned = ReturnRequested(shipment_id=SHIPMENT, reason="order_cancelled")
    assert after(*CANCELLED, returned) == after(*CANCELLED)


def test_a_shipment_of_an_order_that_never_was_is_unknown() -> None:
    given().when(SHIP).then_rejected(UnknownOrder())
