"""Why a command was refused: each refusal carries what the caller needs to go on."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from reference_service.order.money import Money


class UnknownOrder(msgspec.Struct, frozen=True):
    """There is no such order, or it is another customer's: the answer does not tell which."""

    @property
    def detail(self) -> str:
        return "There is no such order."


class AlreadyPlaced(msgspec.Struct, frozen=True):
    status: str

    @property
    def detail(self) -> str:
        return f"The order was placed before; it is {self.status}."


class MixedCurrencies(msgspec.Struct, frozen=True):
    currencies: tuple[str, ...]

    @property
    def detail(self) -> str:
        return f"One order has one currency; its lines have {', '.join(self.currencies)}."


class WrongCurrency(msgspec.Struct, frozen=True):
    expected_currency: str
    received_currency: str

    @property
    def detail(self) -> str:
        return f"The order is paid in {self.expected_currency}, not in {self.received_currency}."


class Overpayment(msgspec.Struct, frozen=True):
    outstanding: Money
    received: Money

    @property
    def detail(self) -> str:
        return f"{self.received} is more than the outstanding {self.outstanding}."


class PaymentCounted(msgspec.Struct, frozen=True):
    payment_id: str

    @property
    def detail(self) -> str:
        return f"Payment {self.payment_id} counts towards the order already."


class OrderClosed(msgspec.Struct, frozen=True):
    status: str

    @property
    def detail(self) -> str:
        return f"The order is {self.status}; nothing more can be asked of it."


Rejection: TypeAlias = (
    UnknownOrder
    | AlreadyPlaced
    | MixedCurrencies
    | WrongCurrency
    | Overpayment
    | PaymentCounted
    | OrderClosed
)
