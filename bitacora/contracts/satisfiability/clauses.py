"""A demand taken apart: each keyword of a schema as ways to keep it, or to break it.

For a value of one JSON type; a keyword that is not about that type says nothing. The meaning of
each keyword is that of JSON Schema 2020-12, Core chapters 10 and 11, Validation chapter 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from bitacora.contracts.keywords import Schema
from bitacora.contracts.satisfiability.demands import (
    Clause,
    Count,
    Demand,
    Fields,
    Node,
    OneItem,
    Places,
    Somewhere,
    Unknown,
    Way,
    kind_of,
)
from bitacora.contracts.satisfiability.evaluated import Evaluation
from bitacora.contracts.satisfiability.formats import ASSERTED
from bitacora.contracts.satisfiability.numbers import exact

MakeNode = Callable[[Schema], Node]
# Of a oneOf: any two of them may hold together.
MOST_BRANCHES = 100


class Clauses:
    """`node_of` makes nodes, `target_of` follows a $ref."""

    def __init__(self, node_of: MakeNode, target_of: Callable[[str], Schema]) -> None:
        self._node, self._target = node_of, target_of
        self._evaluation = Evaluation(node_of, target_of)
        self._any = node_of(True)

    def of(self, demand: Demand, kind: str) -> list[Clause]:
        """All clauses have to be fulfilled. Raises Unknown."""
        schema = demand.node.schema
        if isinstance(schema, bool):
            return [] if schema is demand.met else [[]]
        if demand.met:
            kept = [clause for keyword in self._keywords(schema, kind) for clause in keyword[0]]
            return [clause for clause in kept if () not in clause]
        broken: Clause = [way for keyword in self._keywords(schema, kind) for way in keyword[1]]
        return [] if () in broken else [broken]

    def _meet(self, schema: Schema) -> Demand:
        return Demand(self._node(schema), True)

    def _break(self, schema: Schema) -> Demand:
        return Demand(self._node(schema), False)

    def _keywords(self, schema: dict[str, Any], kind: str) -> Iterator[tuple[list[Clause], Clause]]:
        """For each thing that the schema says: the clauses that keep it, the ways to break it."""
        yield from self._of_any_type(schema, kind)
        yield from self._in_place(schema)
        match kind:
            case "number":
                yield from self._of_numbers(schema)
            case "string":
                yield from self._of_strings(schema)
            case "array":
                yield from self._of_arrays(schema)
            case "object":
                yield from self._of_objects(schema)

    def _of_any_type(
        self, schema: dict[str, Any], kind: str
    ) -> Iterator[tuple[list[Clause], Clause]]:
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            if kind in types:
                yield [], []
            elif kind == "number" and "integer" in types:
                yield [[(("whole", True),)]], [(("whole", False),)]
            else:
                yield [[]], [()]
        if "const" in schema:
            value = schema["const"]
            yield [[(("among", [value]),)]], self._other_than(value, kind)
        if "enum" in schema:
            values = schema["enum"]
            others = tuple(self._break({"const": value}) for value in values)
            yield [[(("among", values),)]], [others]

    def _other_than(self, value: Any, kind: str) -> Clause:
        """How a value of that type differs from `value`: taken apart like any other demand."""
        if kind_of(value) != kind:
            return [()]
        if kind == "array":
            length = len(value)
            shorter: Clause = [(("size", 0, length - 1),)] if length else []
            items = [OneItem(self._node({"const": each}), at) for at, each in enumerate(value)]
            return [*shorter, (("size", length + 1, None),), *(((one,),) for one in items)]
        if kind == "object":
            fields = Fields(dict.fromkeys(value, self._any), {}, None)
            more: Clause = [((Somewhere(self._node(False), beyond=fields),),)]
            lacks: Clause = [(("absent", name),) for name in value]
            others = [
                ("inside", name, self._break({"const": each})) for name, each in value.items()
            ]
            return [*more, *lacks, *((each,) for each in others)]
        return [(("excluded", [value]),)]

    def _in_place(self, schema: dict[str, Any]) -> Iterator[tuple[list[Clause], Clause]]:
        if "$ref" in schema:
            target = self._target(schema["$ref"])
            yield [[(self._meet(target),)]], [(self._break(target),)]
        for each in schema.get("allOf", ()):
            yield [[(self._meet(each),)]], [(self._break(each),)]
        if "anyOf" in schema:
            each_way: Clause = [(self._meet(each),) for each in schema["anyOf"]]
            yield [each_way], [tuple(self._break(each) for each in schema["anyOf"])]
        if "oneOf" in schema:
            yield self._one_of(schema["oneOf"])
        if "not" in schema:
            yield [[(self._break(schema["not"]),)]], [(self._meet(schema["not"]),)]
        if "if" in schema:
            yield self._if(schema["if"], schema.get("then", True), schema.get("else", True))

    def _one_of(self, branches: list[Schema]) -> tuple[list[Clause], Clause]:
        if len(branches) > MOST_BRANCHES:
            raise Unknown(f"a oneOf of more than {MOST_BRANCHES} branches")
        meets, breaks = [*map(self._meet, branches)], [*map(self._break, branches)]
        ways: Clause = [
            (meet, *breaks[:chosen], *breaks[chosen + 1 :]) for chosen, meet in enumerate(meets)
        ]
        return [ways], [tuple(breaks), *combinations(meets, 2)]

    def _if(self, test: Schema, then: Schema, other: Schema) -> tuple[list[Clause], Clause]:
        kept: Clause = [
            (self._meet(test), self._meet(then)),
            (self._break(test), self._meet(other)),
        ]
        broken: Clause = [
            (self._meet(test), self._break(then)),
            (self._break(test), self._break(other)),
        ]
        return [kept], broken

    @staticmethod
    def _of_numbers(schema: dict[str, Any]) -> Iterator[tuple[list[Clause], Clause]]:
        for keyword, side, included in (
            ("minimum", "low", True),
            ("exclusiveMinimum", "low", False),
            ("maximum", "high", True),
            ("exclusiveMaximum", "high", False),
        ):
            if keyword in schema:
                value, other = schema[keyword], "high" if side == "low" else "low"
                yield [[((side, value, included),)]], [((other, value, not included),)]
        if "multipleOf" in schema:
            step = exact(schema["multipleOf"])
            yield [[(("multiple", step, True),)]], [(("multiple", step, False),)]

    @staticmethod
    def _of_strings(schema: dict[str, Any]) -> Iterator[tuple[list[Clause], Clause]]:
        yield from _sizes(schema, "minLength", "maxLength")
        if "pattern" in schema:
            value = schema["pattern"]
            yield [[(("pattern", (value, True)),)]], [(("pattern", (value, False)),)]
        if schema.get("format") in ASSERTED:
            value = schema["format"]
            yield [[(("format", (value, True)),)]], [(("format", (value, False)),)]

    def _of_arrays(self, schema: dict[str, Any]) -> Iterator[tuple[list[Clause], Clause]]:
        yield from _sizes(schema, "minItems", "maxItems")
        if "prefixItems" in schema or "items" in schema:
            prefix = tuple(map(self._node, schema.get("prefixItems", ())))
            rest = self._node(schema["items"]) if "items" in schema else None
            yield self._places(Places(prefix, rest))
        if schema.get("uniqueItems"):
            yield [[(("unique",),)]], [(("repeated",),)]
        if "contains" in schema:
            least, most = int(schema.get("minContains", 1)), schema.get("maxContains")
            node = self._node(schema["contains"])
            broken: Clause = []
            if least > 0:
                broken.append(((Count(node, 0, least - 1),),))
            if most is not None:
                broken.append(((Count(node, int(most) + 1, None),),))
            counted = (Count(node, least, None if most is None else int(most)),)
            yield [[(counted,)]], broken
        if "unevaluatedItems" in schema:
            yield self._unevaluated_items(schema)

    @staticmethod
    def _places(places: Places) -> tuple[list[Clause], Clause]:
        broken: Clause = [((OneItem(node, place=at),),) for at, node in enumerate(places.prefix)]
        if places.rest is not None:
            broken.append(((OneItem(places.rest, after=len(places.prefix)),),))
        return [[((places,),)]], broken

    def _unevaluated_items(self, schema: dict[str, Any]) -> tuple[list[Clause], Clause]:
        node = self._node(schema["unevaluatedItems"])
        kept: Clause = []
        broken: Clause = []
        for seen in self._evaluation.items(schema):
            if seen.all:
                kept.append(seen.when)
            else:
                kept.append((*seen.when, (Places((self._any,) * seen.prefix, node),)))
                broken.append((*seen.when, (OneItem(node, after=seen.prefix),)))
        return [kept], broken

    def _of_objects(self, schema: dict[str, Any]) -> Iterator[tuple[list[Clause], Clause]]:
        yield from _sizes(schema, "minProperties", "maxProperties")
        for name in schema.get("required", ()):
            yield [[(("required", name),)]], [(("absent", name),)]
        if {"properties", "patternProperties", "additionalProperties"} & schema.keys():
            yield self._fields(
                Fields(
                    {name: self._node(each) for name, each in schema.get("properties", {}).items()},
                    {
                        pattern: self._node(each)
                        for pattern, each in schema.get("patternProperties", {}).items()
                    },
                    self._node(schema["additionalProperties"])
                    if "additionalProperties" in schema
                    else None,
                )
            )
        if "propertyNames" in schema:
            node = self._node(schema["propertyNames"])
            broken: Clause = [((Somewhere(node, of_name=True),),)]
            yield [[(("names", Demand(node, True)),)]], broken
        yield from self._dependent(schema)
        if "unevaluatedProperties" in schema:
            yield self._unevaluated_properties(schema)

    @staticmethod
    def _fields(fields: Fields) -> tuple[list[Clause], Clause]:
        broken: Clause = [
            (("inside", name, Demand(node, False)),) for name, node in fields.names.items()
        ]
        broken += [
            ((Somewhere(node, matching=pattern),),) for pattern, node in fields.patterns.items()
        ]
        if fields.rest is not None:
            broken.append(((Somewhere(fields.rest, beyond=fields),),))
        return [[((fields,),)]], broken

    def _dependent(self, schema: dict[str, Any]) -> Iterator[tuple[list[Clause], Clause]]:
        for name, others in schema.get("dependentRequired", {}).items():
            asked: Way = (("required", name), *(("required", other) for other in others))
            broken: Clause = [(("required", name), ("absent", other)) for other in others]
            yield [[(("absent", name),), asked]], broken
        for name, each in schema.get("dependentSchemas", {}).items():
            yield (
                [[(("absent", name),), (("required", name), self._meet(each))]],
                [(("required", name), self._break(each))],
            )

    def _unevaluated_properties(self, schema: dict[str, Any]) -> tuple[list[Clause], Clause]:
        node = self._node(schema["unevaluatedProperties"])
        kept: Clause = []
        broken: Clause = []
        for seen in self._evaluation.properties(schema):
            if seen.all:
                kept.append(seen.when)
                continue
            fields = Fields(
                dict.fromkeys(sorted(seen.names), self._any),
                dict.fromkeys(sorted(seen.patterns), self._any),
                node,
            )
            kept.append((*seen.when, (fields,)))
            broken.append((*seen.when, (Somewhere(node, beyond=fields),)))
        return [kept], broken


def _sizes(schema: dict[str, Any], least: str, most: str) -> Iterator[tuple[list[Clause], Clause]]:
    if least in schema:
        value = int(schema[least])
        yield [[(("size", value, None),)]], ([(("size", 0, value - 1),)] if value > 0 else [])
    if most in schema:
        value = int(schema[most])
        yield [[(("size", 0, value),)]], [(("size", value + 1, None),)]
