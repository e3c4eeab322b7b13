"""What is asked of a value: schemas to meet or to break, and the plain facts they come down to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from bitacora.contracts.keywords import Schema
from bitacora.contracts.satisfiability.numbers import Numbers

KINDS = ("object", "array", "string", "number", "boolean", "null")


class Node:
    """A schema of the question. Schemas that read the same are one node."""

    __slots__ = ("schema", "text")

    def __init__(self, schema: Schema, text: str) -> None:
        self.schema, self.text = schema, text

    def __repr__(self) -> str:
        return self.text


class Demand(NamedTuple):
    """Meet a schema, or (`met` is False) break it."""

    node: Node
    met: bool


Goal: TypeAlias = frozenset[Demand]


class Unknown(Exception):
    """It could not be found out; the text says why."""


@dataclass(frozen=True)
class Fields:
    """What a schema asks of the properties of an object.

    `rest` is for properties that neither `names` nor `patterns` speak of.
    """

    names: Mapping[str, Node]
    patterns: Mapping[str, Node]
    rest: Node | None


@dataclass(frozen=True)
class Places:
    """What a schema asks of the items of an array."""

    prefix: tuple[Node, ...]
    rest: Node | None


@dataclass(frozen=True)
class Count:
    """So many items meet `node`; `most` None is without end."""

    node: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Somewhere:
    """A property whose value breaks `node`; for `of_name` it is the name that breaks it.

    Its name matches `matching`, or, when that is None, nothing in `beyond`.
    """

    node: Node
    matching: str | None = None
    beyond: Fields | None = None
    of_name: bool = False


@dataclass(frozen=True)
class OneItem:
    """An item at `place`, or (`place` None) at or after `after`, that breaks `node`."""

    node: Node
    place: int | None = None
    after: int = 0


@dataclass
class Facts:
    """The plain demands of one branch, on a value of one JSON type."""

    kind: str
    among: list[Any] | None = None
    excluded: list[Any] = field(default_factory=list)
    numbers: Numbers = field(default_factory=Numbers)
    # Characters, items or properties.
    least: int = 0
    most: int | None = None
    patterns: set[tuple[str, bool]] = field(default_factory=set)
    formats: set[tuple[str, bool]] = field(default_factory=set)
    places: list[Places] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    one_item: list[OneItem] = field(default_factory=list)
    unique: bool = False
    repeated: bool = False
    fields: list[Fields] = field(default_factory=list)
    required: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    inside: dict[str, set[Demand]] = field(default_factory=dict)
    names: set[Demand] = field(default_factory=set)
    somewhere: list[Somewhere] = field(default_factory=list)
    impossible: bool = False

    def copy(self) -> Facts:
        return Facts(
            self.kind,
            None if self.among is None else list(self.among),
            list(self.excluded),
            self.numbers.copy(),
            self.least,
            self.most,
            set(self.patterns),
            set(self.formats),
            list(self.places),
            list(self.counts),
            list(self.one_item),
            self.unique,
            self.repeated,
            list(self.fields),
            set(self.required),
            set(self.absent),
            {name: set(demands) for name, demands in self.inside.items()},
            set(self.names),
            list(self.somewhere),
            self.impossible,
        )

    def size(self, least: int, most: int | None) -> None:
        self.least = max(self.least, least)
        if most is not None:
            self.most = most if self.most is None else min(self.most, most)

    @property
    def contradictory(self) -> bool:
        """Seen at a glance; False does not say that a value exists."""
        return (
            self.impossible
            or (self.most is not None and self.least > self.most)
            or bool(self.required & self.absent)
            or (self.unique and self.repeated)
            or any((pattern, not found) in self.patterns for pattern, found in self.patterns)
            or any((name, not kept) in self.formats for name, kept in self.formats)
        )


# One way to fulfil something: facts (name, argument) and further demands, all of them together.
Item: TypeAlias = Demand | tuple[Any, ...]
Way: TypeAlias = tuple[Item, ...]
# At least one of the ways; [] cannot be fulfilled.
Clause: TypeAlias = list[Way]


def add(facts: Facts, fact: tuple[Any, ...]) -> None:
    """Put one plain fact down."""
    match fact:
        case ("among", values):
            facts.among = [*values] if facts.among is None else facts.among
        case ("excluded", values):
            facts.excluded += values
        case ("low", value, included):
            facts.numbers.at_least(value, included)
        case ("high", value, included):
            facts.numbers.at_most(value, included)
        case ("whole", whole):
            facts.impossible |= facts.numbers.whole not in (None, whole)
            facts.numbers.whole = whole
        case ("multiple", step, True):
            facts.numbers.multiples.append(Fraction(step))
        case ("multiple", step, False):
            facts.numbers.no_multiples.append(Fraction(step))
        case ("size", least, most):
            facts.size(least, most)
        case ("required", name):
            facts.required.add(name)
        case ("absent", name):
            facts.absent.add(name)
        case ("inside", name, demand):
            facts.required.add(name)
            facts.inside.setdefault(name, set()).add(demand)
        case ("pattern", pattern):
            facts.patterns.add(pattern)
        case ("format", name):
            facts.formats.add(name)
        case ("names", demand):
            facts.names.add(demand)
        case ("unique",):
            facts.unique = True
        case ("repeated",):
            facts.repeated = True
        case (Fields() as each,):
            facts.fields.append(each)
        case (Places() as each,):
            facts.places.append(each)
        case (Count() as each,):
            facts.counts.append(each)
        case (Somewhere() as each,):
            facts.somewhere.append(each)
        case (OneItem() as each,):
            facts.one_item.append(each)
        case _:
            raise AssertionError(fact)


def goal(demands: Iterable[Demand]) -> Goal:
    """The demands that say something: to meet `true` and to break `false` is no demand."""
    return frozenset(each for each in demands if each.node.schema is not each.met)


def kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
