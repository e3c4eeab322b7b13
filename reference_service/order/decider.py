"""The rules of an order: what a command leads to, and what an event changes."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any, TypeVar, assert_never

from reference_service.order.commands import (
    CancelOrder,
    Command,
    PlaceOrder,
    ReceivePayment,
    ShipOrder,
)
from reference_service.order.events import (
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderShipped,
    PaymentReceived,
    ReturnRequested,
)
from reference_service.order.money import Money
from reference_service.order.rejections import (
    AlreadyPlaced,
    MixedCurrencies,
    OrderClosed,
    Overpayment,
    PaymentCounted,
    Rejection,
    UnknownOrder,
    WrongCurrency,
)
from reference_service.order.state import (
    Cancelled,
    Confirmed,
    Existing,
    NotPlaced,
    Order,
    Placed,
    Shipped,
)


class ImpossibleEvent(ValueError):
    """An event that cannot follow this state: the stream is not one of orders, or is damaged."""


def initial() -> Order:
    return NotPlaced()


def admit(command: Command, state: Order) -> Rejection | None:
    """Whether the order exists for whoever asks; decided before any precondition is looked at."""
    match command, state:
        case PlaceOrder(), _:
            return None
        case _, NotPlaced():
            return UnknownOrder()
        case ((ReceivePayment() | CancelOrder()), _) if command.customer_id != state.customer_id:
            return UnknownOrder()
        case _:
            return None


def decide(command: Command, state: Order) -> list[Event] | Rejection:
    """What happens when an admitted command meets this state; [] when it had happened already."""
    match command, state:
        case PlaceOrder(), NotPlaced():
            return place(command)
        case _, NotPlaced():
            return UnknownOrder()
        case PlaceOrder(), _:
            return AlreadyPlaced(state.status)
        case ShipOrder(), _:
            return ship(command, state)
        case _, Shipped() | Cancelled():
            return OrderClosed(state.status)
        case ReceivePayment(), Placed() | Confirmed():
            return receive_payment(command, state)
        case CancelOrder(), Placed() | Confirmed():
            return [OrderCancelled(reason=command.reason)]
        case _:
            assert_never((command, state))


def place(command: PlaceOrder) -> list[Event] | Rejection:
    currencies = {line.unit_price.currency for line in command.lines}
    if len(currencies) > 1:
        return MixedCurrencies(tuple(sorted(currencies)))
    total = reduce(add, (line.unit_price * line.quantity for line in command.lines))
    return [
        OrderPlaced(
            customer_id=command.customer_id,
            lines=command.lines,
            total=total,
            delivery=command.delivery,
        )
    ]


def receive_payment(command: ReceivePayment, order: Placed | Confirmed) -> list[Event] | Rejection:
    if command.payment_id in order.payments:
        return PaymentCounted(command.payment_id)
    if command.amount.currency != order.total.currency:
        return WrongCurrency(
            expected_currency=order.total.currency, received_currency=command.amount.currency
        )
    outstanding = order.total - order.paid
    if command.amount > outstanding:
        return Overpayment(outstanding=outstanding, received=command.amount)
    received = PaymentReceived(payment_id=command.payment_id, amount=command.amount)
    if command.amount < outstanding:
        return [received]
    return [received, OrderConfirmed(total=order.total)]


def ship(command: ShipOrder, order: Existing) -> list[Event]:
    """The shipment has left, so it is recorded; one that the order does not call for comes back."""
    match order:
        case Confirmed():
            return [OrderShipped(shipment_id=command.shipment_id)]
        case Shipped() if order.shipment_id == command.shipment_id:
            return []
        case Shipped():
            return [ReturnRequested(shipment_id=command.shipment_id, reason="already_shipped")]
        case Cancelled():
            return [ReturnRequested(shipment_id=command.shipment_id, reason="order_cancelled")]
        case Placed():
            return [ReturnRequested(shipment_id=command.shipment_id, reason="order_not_confirmed")]


def evolve(state: Order, event: Event) -> Existing:
    """The state after `event`; raises ImpossibleEvent when none can be."""
    match event, state:
        case OrderPlaced(), NotPlaced():
            return Placed(
                customer_id=event.customer_id,
                lines=event.lines,
                total=event.total,
                paid=Money(0, event.total.currency),
                delivery=event.delivery,
            )
        case PaymentReceived(), Placed():
            return _become(
                Placed,
                state,
                paid=state.paid + event.amount,
                payments=(*state.payments, event.payment_id),
            )
        case OrderConfirmed(), Placed():
            return _become(Confirmed, state)
        case OrderShipped(), Confirmed():
            return _become(Shipped, state, shipment_id=event.shipment_id)
        case OrderCancelled(), Placed() | Confirmed():
            return _become(Cancelled, state, reason=event.reason)
        case ReturnRequested(), Placed() | Confirmed() | Shipped() | Cancelled():
            return state
        case _:
            happened, so_far = type(event).__name__, type(state).__name__
            raise ImpossibleEvent(f"{happened} cannot happen to an order in the state {so_far}")


Next = TypeVar("Next", Placed, Confirmed, Shipped, Cancelled)


def _become(kind: type[Next], state: Placed | Confirmed, **changes: Any) -> Next:
    kept = {name: getattr(state, name) for name in state.__struct_fields__}
    return kind(**{**kept, **changes})
