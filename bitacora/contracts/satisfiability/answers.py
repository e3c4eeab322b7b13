"""What a search comes to, and what its parts ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bitacora.contracts.keywords import Schema
from bitacora.contracts.satisfiability.demands import Demand, Goal, Node


@dataclass(frozen=True)
class Found:
    value: Any


@dataclass(frozen=True)
class Nothing:
    """There is no such value."""


@dataclass(frozen=True)
class NotKnown:
    reason: str


Answer: TypeAlias = Found | Nothing | NotKnown
NOTHING = Nothing()


class Search(Protocol):
    """The search as the types of JSON see it: values inside values are searched for by it."""

    def node(self, schema: Schema) -> Node: ...

    def constant(self, value: Any, met: bool = True) -> Demand:
        """To be `value`, or not to be it."""

    def holds(self, asked: Iterable[Demand], value: Any) -> bool:
        """Whether `value` fulfils every demand, as the reference validator sees it."""

    def solve(self, asked: Goal) -> Answer:
        """A value for the goal."""


def first(answers: Iterator[Answer]) -> Answer:
    """The first value found; Nothing only when every answer is."""
    doubt: Answer = NOTHING
    for answer in answers:
        if isinstance(answer, Found):
            return answer
        if isinstance(answer, NotKnown):
            doubt = answer
    return doubt
