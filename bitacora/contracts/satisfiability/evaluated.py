"""What counts as evaluated beside `unevaluatedProperties` and `unevaluatedItems`.

It depends on which in-place subschemas accept the value, so each case is told apart, with the
demands that make it the case (JSON Schema 2020-12, Core chapter 11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from bitacora.contracts.keywords import Schema
from bitacora.contracts.satisfiability.demands import Demand, Node, Unknown, Way

MOST_CASES = 256
DEEPEST = 24


@dataclass(frozen=True)
class Seen:
    """In the case `when`, these are evaluated: names and patterns of properties, leading items."""

    when: Way = ()
    names: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    prefix: int = 0
    all: bool = False

    def and_(self, other: Seen) -> Seen:
        return Seen(
            self.when + other.when,
            self.names | other.names,
            self.patterns | other.patterns,
            max(self.prefix, other.prefix),
            self.all or other.all,
        )


class Evaluation:
    def __init__(
        self, node_of: Callable[[Schema], Node], target_of: Callable[[str], Schema]
    ) -> None:
        self._node, self._target = node_of, target_of
        self._known: dict[tuple[int, Any], tuple[Schema, list[Seen]]] = {}

    def properties(self, schema: dict[str, Any]) -> list[Seen]:
        """The cases for the value's properties, `unevaluatedProperties` itself aside."""
        own = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
        return self._cases(own, _own_properties, 0)

    def items(self, schema: dict[str, Any]) -> list[Seen]:
        """The cases for the value's items, `unevaluatedItems` itself aside."""
        own = {key: value for key, value in schema.items() if key != "unevaluatedItems"}
        return self._cases(own, _own_items, 0)

    def _cases(
        self, schema: Schema, own: Callable[[dict[str, Any]], Seen], depth: int
    ) -> list[Seen]:
        if not isinstance(schema, dict):
            return [Seen()]
        if depth > DEEPEST:
            raise Unknown("unevaluated… over a recursion")
        # The schema is kept beside its cases, so that its id stays its own.
        known = self._known.get((id(schema), own))
        if known is not None:
            return known[1]
        parts = [[own(schema)]]
        for group in self._groups(schema):
            cases = []
            for when, accepted in group:
                inner = [self._cases(each, own, depth + 1) for each in accepted]
                cases += [replace(seen, when=when + seen.when) for seen in _products(inner)]
            parts.append(cases)
        cases = _products(parts)
        self._known[id(schema), own] = (schema, cases)
        return cases

    def _groups(self, schema: dict[str, Any]) -> Iterator[list[tuple[Way, list[Schema]]]]:
        """Per in-place keyword its cases: what makes the case, and who then accepts the value."""
        if "$ref" in schema:
            yield [((), [self._target(schema["$ref"])])]
        if "allOf" in schema:
            yield [((), schema["allOf"])]
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                yield list(self._chosen(schema[keyword], several=keyword == "anyOf"))
        if "if" in schema:
            test, then, other = schema["if"], schema.get("then", True), schema.get("else", True)
            yield [
                ((self._demand(test, True),), [test, then]),
                ((self._demand(test, False),), [other]),
            ]
        for name, each in schema.get("dependentSchemas", {}).items():
            yield [((("required", name),), [each]), ((("absent", name),), [])]

    def _chosen(self, branches: list[Schema], several: bool) -> Iterator[tuple[Way, list[Schema]]]:
        for accepted in product((True, False), repeat=len(branches)):
            if sum(accepted) == 1 or (several and any(accepted)):
                when = tuple(
                    self._demand(each, met) for each, met in zip(branches, accepted, strict=True)
                )
                yield when, [each for each, met in zip(branches, accepted, strict=True) if met]

    def _demand(self, schema: Schema, met: bool) -> Demand:
        return Demand(self._node(schema), met)


def _products(parts: Iterable[list[Seen]]) -> list[Seen]:
    cases = [Seen()]
    for part in parts:
        cases = [first.and_(second) for first in cases for second in part]
        if len(cases) > MOST_CASES:
            raise Unknown("unevaluated… over too many cases")
    return cases


def _own_properties(schema: dict[str, Any]) -> Seen:
    return Seen(
        names=frozenset(schema.get("properties", ())),
        patterns=frozenset(schema.get("patternProperties", ())),
        all="additionalProperties" in schema or "unevaluatedProperties" in schema,
    )


def _own_items(schema: dict[str, Any]) -> Seen:
    if "contains" in schema:
        raise Unknown("unevaluatedItems beside contains")
    return Seen(
        prefix=len(schema.get("prefixItems", ())),
        all="items" in schema or "unevaluatedItems" in schema,
    )
