"""Money: an integer of minor units and an ISO 4217 code."""

from __future__ import annotations

import msgspec


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount in minor units (cents) of one currency.

    Arithmetic and comparison are only meant within one currency and raise ValueError otherwise:
    the decider refuses mixed currencies before it counts.
    """

    amount: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same_currency(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same_currency(other), self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.amount * count, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same_currency(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same_currency(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} (minor units)"

    def _same_currency(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be reckoned together")
        return other.amount
