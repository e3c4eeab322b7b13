"""Cancelling an order."""

from reference_service.order.events import OrderCancelled
from reference_service.order.rejections import OrderClosed
from tests.order.ana import CANCELLED, CONFIRMED, PLACED, SHIPPED, cancel, euros, paid
from tests.order.scenario import given


def test_an_order_is_cancelled_for_the_reason_given() -> None:
    given(PLACED).when(cancel("too_late")).then(OrderCancelled(reason="too_late"))


def test_a_paid_order_is_cancelled_until_it_is_shipped() -> None:
    given(PLACED, paid(euros(10))).when(cancel()).then(OrderCancelled(reason="changed_mind"))
    given(*CONFIRMED).when(cancel()).then(OrderCancelled(reason="changed_mind"))
    given(*SHIPPED).when(cancel()).then_rejected(OrderClosed(status="shipped"))


def test_an_order_is_cancelled_once() -> None:
    given(*CANCELLED).when(cancel()).then_rejected(OrderClosed(status="cancelled"))
