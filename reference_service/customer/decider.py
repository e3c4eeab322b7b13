"""The rules of a customer: which keys of theirs are destroyed."""

from __future__ import annotations

import msgspec

from reference_service.customer.events import Event, PersonalDataErased


class ErasePersonalData(msgspec.Struct, frozen=True):
    """`key_id` is the key that the customer has now, None when there is none."""

    key_id: str | None


class Customer(msgspec.Struct, frozen=True):
    """`destroyed` are the ids of keys that are destroyed, or must be."""

    destroyed: tuple[str, ...] = ()


def initial() -> Customer:
    return Customer()


def admit(_command: ErasePersonalData, _state: Customer) -> None:
    """Whoever asks speaks of their own data."""


def decide(command: ErasePersonalData, state: Customer) -> list[Event]:
    """[] when there is no key, or its end was decided before."""
    if command.key_id is None or command.key_id in state.destroyed:
        return []
    return [PersonalDataErased(key_id=command.key_id)]


def evolve(state: Customer, event: Event) -> Customer:
    return Customer((*state.destroyed, event.key_id))
