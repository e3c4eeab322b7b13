"""What producers write and consumers read, with jsonschema as the only judge.

Written apart from the checker on purpose: a mistake there must not be repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator

Schema = dict[str, Any] | bool

CLOSERS = ("additionalProperties", "unevaluatedProperties")
# Keywords by what they hold: one schema, a list of schemas, schemas by name.
_ONE = (
    *("items", "contains", "unevaluatedItems", *CLOSERS, "propertyNames"),
    *("not", "if", "then", "else"),
)
_LIST = ("prefixItems", "allOf", "anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs")
# Keywords whose schemas speak about the same value as the schema that holds them.
IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")


def children(schema: dict[str, Any]) -> Iterator[tuple[str, Schema]]:
    """The schemas directly inside a schema, each with the keyword that holds it."""
    for keyword in _ONE:
        if keyword in schema:
            yield keyword, schema[keyword]
    for keyword in _LIST:
        yield from ((keyword, inner) for inner in schema.get(keyword, ()))
    for keyword in _NAMED:
        yield from ((keyword, inner) for inner in schema.get(keyword, {}).values())


def _rebuilt(schema: dict[str, Any], inner: Any) -> dict[str, Any]:
    """The schema with `inner(keyword, child)` in the place of each child."""
    copy = dict(schema)
    for keyword in _ONE:
        if keyword in copy:
            copy[keyword] = inner(keyword, copy[keyword])
    for keyword in _LIST:
        if keyword in copy:
            copy[keyword] = [inner(keyword, child) for child in copy[keyword]]
    for keyword in _NAMED:
        if keyword in copy:
            copy[keyword] = {name: inner(keyword, s) for name, s in copy[keyword].items()}
    return copy


def referred(root: Schema, reference: str) -> Any:
    """What a `$ref` inside the document means: the whole ("#") or a JSON pointer in it."""
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found


AS_WRITTEN = "as-written"


def opened(schema: Schema) -> Schema:
    """The schema as a tolerant reader takes it: no property is refused for being unknown.

    Not below `not` and `if`, nor where a `$ref` below these leads: what these accept is not what
    the reader accepts.
    """
    if isinstance(schema, bool):
        return schema
    made = _opened(schema)
    if AS_WRITTEN in repr(made):
        made["$defs"] = {**made.get("$defs", {}), AS_WRITTEN: _moved(schema)}
    return made


def _opened(schema: Schema) -> Any:
    if isinstance(schema, bool):
        return schema
    kept = {k: v for k, v in schema.items() if not (k in CLOSERS and v is False)}
    return _rebuilt(kept, lambda k, child: (_moved if k in ("not", "if") else _opened)(child))


def _moved(schema: Schema) -> Any:
    """The schema with its references into a copy of the document that is as it was written."""
    if isinstance(schema, bool):
        return schema
    copy = _rebuilt(schema, lambda _, child: _moved(child))
    if "$ref" in copy:
        copy["$ref"] = f"#/$defs/{AS_WRITTEN}{copy['$ref'][1:]}"
    return copy


def _ecma(schema: Schema) -> Schema:
    """The schema with its patterns as Python must be told them to mean what ECMA 262 says.

    Python's `$` also matches before a line end, its `\\d` and `\\w` match all of Unicode.
    """
    if isinstance(schema, bool):
        return schema
    copy = _rebuilt(schema, lambda _, child: _ecma(child))
    if "pattern" in copy:
        copy["pattern"] = _python_pattern(copy["pattern"])
    if "patternProperties" in copy:
        named = copy["patternProperties"].items()
        copy["patternProperties"] = {_python_pattern(name): child for name, child in named}
    return copy


_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


def _python_pattern(pattern: str) -> str:
    def told(token: re.Match[str]) -> str:
        if token[0] == "$":
            return r"\Z"
        inside = token[0].startswith("[")
        digits, words = "0-9", "A-Za-z0-9_"
        if inside:
            return token[0].replace(r"\d", digits).replace(r"\w", words)
        return {r"\d": f"[{digits}]", r"\w": f"[{words}]"}.get(token[0], token[0])

    return _TOKEN.sub(told, pattern)


class Side:
    """One schema as one side of a question takes it."""

    def __init__(self, schema: Schema) -> None:
        self.schema = _ecma(schema)
        self._validator = Draft202012Validator(
            self.schema, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        self._places: dict[int, Place] = {}

    @cached_property
    def root(self) -> Place:
        return self.at(self.schema)

    def at(self, schema: Schema) -> Place:
        """The place in the document where `schema` stands; `schema` is part of the document."""
        if id(schema) not in self._places:
            self._places[id(schema)] = Place(self, schema, self._validator.evolve(schema=schema))
        return self._places[id(schema)]

    def referred(self, reference: str) -> Place:
        return self.at(referred(self.schema, reference))


@dataclass(frozen=True, eq=False)
class Place:
    """A schema inside a document: `$ref`s in it are the document's."""

    side: Side
    schema: Schema
    validator: Draft202012Validator

    def accepts(self, instance: Any) -> bool:
        return self.validator.is_valid(instance)

    def keyword(self, name: str, default: Any = None) -> Any:
        return default if isinstance(self.schema, bool) else self.schema.get(name, default)

    def at(self, schema: Schema) -> Place:
        return self.side.at(schema)

    def applied(self, instance: Any) -> Iterator[Place]:
        """This place and every other that speaks about the same accepted instance."""
        yield self
        for other in self._beside(instance):
            yield from other.applied(instance)

    def _beside(self, instance: Any) -> Iterator[Place]:
        if reference := self.keyword("$ref"):
            yield self.side.referred(reference)
        yield from map(self.at, self.keyword("allOf", ()))
        for branch in (*self.keyword("anyOf", ()), *self.keyword("oneOf", ())):
            if self.at(branch).accepts(instance):
                yield self.at(branch)
        if isinstance(instance, dict):
            for name, schema in self.keyword("dependentSchemas", {}).items():
                if name in instance:
                    yield self.at(schema)
        if (condition := self.keyword("if")) is not None:
            held = self.at(condition).accepts(instance)
            if held:
                yield self.at(condition)
            if (consequence := self.keyword("then" if held else "else")) is not None:
                yield self.at(consequence)


def describes_all(places: list[Place], instance: Any) -> bool:
    """Whether each property in an accepted instance is described where it stands.

    `places` are the schemas that speak about the instance; what any of them says counts. Where
    no branch of any of them names a property, the content is free.
    """
    applied = [place for start in places for place in start.applied(instance)]
    if isinstance(instance, dict):
        described = {name: property_places(applied, name) for name in instance}
        return (all(described.values()) or not _any_named(places)) and all(
            describes_all(described[name], value) for name, value in instance.items()
        )
    if isinstance(instance, list):
        return all(
            describes_all(item_places(applied, index, item), item)
            for index, item in enumerate(instance)
        )
    return True


def beside(places: Iterable[Place], below_not: bool) -> list[Place]:
    """The places and all that may speak about the same value, whatever the branch."""
    found: dict[int, Place] = {}
    waiting = list(places)
    while waiting:
        place = waiting.pop(0)
        if id(place) in found:
            continue
        found[id(place)] = place
        if isinstance(place.schema, bool):
            continue
        if reference := place.schema.get("$ref"):
            waiting.append(place.side.referred(reference))
        inner = (
            s for k, s in children(place.schema) if k in IN_PLACE and (below_not or k != "not")
        )
        waiting += map(place.at, inner)
    return list(found.values())


def _any_named(places: list[Place]) -> bool:
    words = ("properties", "patternProperties")
    said = beside(places, below_not=False)
    return any(place.keyword(word) is not None for place in said for word in words)


def property_places(applied: list[Place], name: str) -> list[Place]:
    """The schemas that speak about the value of a property, [] when none does."""
    found = [inner for place in applied for inner in _named(place, name)]
    if not found:
        rest = (place.keyword("unevaluatedProperties") for place in applied)
        found = [p.at(s) for p, s in zip(applied, rest, strict=True) if s not in (None, False)]
    return found


def _named(place: Place, name: str) -> list[Place]:
    found = [s for n, s in place.keyword("properties", {}).items() if n == name]
    patterns = place.keyword("patternProperties", {}).items()
    found += [s for pattern, s in patterns if re.search(pattern, name)]
    if not found and place.keyword("additionalProperties") not in (None, False):
        found = [place.keyword("additionalProperties")]
    return [place.at(schema) for schema in found]


def item_places(applied: list[Place], index: int, item: Any) -> list[Place]:
    """The schemas that speak about an item."""
    found = []
    for place in applied:
        prefix = place.keyword("prefixItems", ())
        if index < len(prefix):
            found.append(place.at(prefix[index]))
        elif (rest := place.keyword("items")) is not None:
            found.append(place.at(rest))
        contained = place.keyword("contains")
        if contained is not None and place.at(contained).accepts(item):
            found.append(place.at(contained))
    if not found:
        rests = [(place, place.keyword("unevaluatedItems")) for place in applied]
        found = [place.at(rest) for place, rest in rests if rest is not None]
    return found


class Question:
    """Does a consumer read all that a producer writes?

    In the reading "contract" the producer is closed (no property without description) and the
    consumer open; in "strict" both schemas count as they stand.
    """

    def __init__(self, producer: Schema, consumer: Schema, reading: str) -> None:
        self.closed = reading == "contract"
        self._schemas = (producer, opened(consumer) if self.closed else consumer)
        self.producer, self.consumer = map(Side, self._schemas)

    def written(self, instance: Any) -> bool:
        root = self.producer.root
        return root.accepts(instance) and (not self.closed or describes_all([root], instance))

    def read(self, instance: Any) -> bool:
        return self.consumer.root.accepts(instance)

    def broken_by(self, instance: Any) -> bool:
        """Whether the instance is a counterexample."""
        return self.written(instance) and not self.read(instance)

    def broken_at_run_time(self, instance: Any) -> bool:
        """The same by the validator that the service runs, which knows formats more strictly."""
        writes, reads = self._at_run_time
        return writes.is_valid(instance) and not reads.is_valid(instance)

    @cached_property
    def _at_run_time(self) -> list[jsonschema_rs.Draft202012Validator]:
        return [
            jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, ignore_unknown_formats=True, offline=True
            )
            for schema in self._schemas
        ]
