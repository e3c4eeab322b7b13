"""Given what happened, when a command comes, then these events or this rejection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from reference_service.order.commands import Command
from reference_service.order.decider import admit, decide, evolve, initial
from reference_service.order.events import Event
from reference_service.order.rejections import Rejection
from reference_service.order.state import Order


@dataclass(frozen=True)
class Outcome:
    result: list[Event] | Rejection

    def then(self, *events: Event) -> None:
        assert self.result == list(events)

    def then_nothing(self) -> None:
        assert self.result == []

    def then_rejected(self, rejection: Rejection) -> None:
        assert self.result == rejection


@dataclass(frozen=True)
class Given:
    state: Order

    def when(self, command: Command) -> Outcome:
        refusal = admit(command, self.state)
        return Outcome(decide(command, self.state) if refusal is None else refusal)


def after(*events: Event) -> Order:
    """The state that these events lead to."""
    return reduce(evolve, events, initial())


def given(*events: Event) -> Given:
    return Given(after(*events))
