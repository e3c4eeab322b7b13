"""Paying for an order."""

from reference_service.order.events import OrderConfirmed
from reference_service.order.money import Money
from reference_service.order.rejections import (
    OrderClosed,
    Overpayment,
    PaymentCounted,
    WrongCurrency,
)
from tests.order.ana import CANCELLED, CONFIRMED, PLACED, SHIPPED, TOTAL, euros, paid, pay
from tests.order.scenario import given


def test_a_part_of_the_total_is_received_and_nothing_more() -> None:
    given(PLACED).when(pay(euros(4189))).then(paid(euros(4189)))


def test_the_whole_total_confirms_the_order() -> None:
    given(PLACED).when(pay(TOTAL)).then(paid(TOTAL), OrderConfirmed(total=TOTAL))


def test_the_payment_that_covers_the_rest_confirms_the_order() -> None:
    history = (PLACED, paid(euros(4000), "payment-1"))
    rest = euros(190)
    given(*history).when(pay(rest, "payment-2")).then(
        paid(rest, "payment-2"), OrderConfirmed(total=TOTAL)
    )


def test_more_than_is_outstanding_is_refused_with_both_amounts() -> None:
    history = (PLACED, paid(euros(4000), "payment-1"))
    given(*history).when(pay(euros(191), "payment-2")).then_rejected(
        Overpayment(outstanding=euros(190), received=euros(191))
    )


def test_nothing_is_outstanding_on_a_confirmed_order() -> None:
    given(*CONFIRMED).when(pay(euros(1), "payment-2")).then_rejected(
        Overpayment(outstanding=euros(0), received=euros(1))
    )


def test_another_currency_is_refused_with_the_expected_one() -> None:
    given(PLACED).when(pay(Money(4190, "USD"))).then_rejected(
        WrongCurrency(expected_currency="EUR", received_currency="USD")
    )


def test_a_payment_counts_once() -> None:
    given(PLACED, paid(euros(10), "payment-1")).when(pay(euros(10), "payment-1")).then_rejected(
        PaymentCounted(payment_id="payment-1")
    )
    given(*CONFIRMED).when(pay(TOTAL, "payment-1")).then_rejected(
        PaymentCounted(payment_id="payment-1")
    )


def test_a_closed_order_takes_no_payment() -> None:
    given(*CANCELLED).when(pay(euros(1))).then_rejected(OrderClosed(status="cancelled"))
    given(*SHIPPED).when(pay(euros(1))).then_rejected(OrderClosed(status="shipped"))
