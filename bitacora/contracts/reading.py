"""How two sides read one contract: a producer writes closed content, a consumer reads open.

A producer writes no property that its schema does not describe at that place, even where the schema
would let it. A consumer passes over properties that it does not know, even where its schema says
`additionalProperties: false`. Both readings are schemas again, so that any validator can judge.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import product
from typing import Any, NamedTuple, TypeAlias

from bitacora.contracts.keywords import (
    IN_PLACE,
    NAMED,
    OF_ITEMS,
    OF_PROPERTIES,
    Schema,
    at,
    rebuilt,
    subschemas,
    walk,
)

# A copy of the document as it stands, for what is asked the other way round.
AS_IT_STANDS = "as-it-stands"
# Where more places than this might overlap they are all taken to.
MOST_PAIRS = 100_000


class Reading(Enum):
    """CONTRACT: producer closed, consumer open. STRICT: both schemas as they stand."""

    CONTRACT = "contract"
    STRICT = "strict"


def as_written(schema: Schema) -> Schema:
    """What a producer writes. Where it is not clear who describes a place, it stays as it is."""
    shared = _described_twice(schema)
    return _Changed(schema, lambda node, place: _closed(node, place, schema), shared).made()


def as_read(schema: Schema) -> Schema:
    """What a consumer accepts; below `not` and `if` the schema stays as it is."""
    return _Changed(schema, lambda node, _: _opened(node), set()).made()


def _opened(node: dict[str, Any]) -> dict[str, Any]:
    closed = ("additionalProperties", "unevaluatedProperties")
    return {key: value for key, value in node.items() if key not in closed or value is not False}


def _closed(node: dict[str, Any], is_place: bool, root: Schema) -> dict[str, Any]:
    """`is_place` tells that the schema is all that is said of a value, not a part of that."""
    if not is_place or "additionalProperties" in node or "unevaluatedProperties" in node:
        return node
    group = list(_in_place(node, root))
    if not any({"properties", "patternProperties"} & each.keys() for each, _ in group):
        return node
    keyword = "additionalProperties" if len(group) == 1 else "unevaluatedProperties"
    return {**node, keyword: False}


class _Changed:
    """A document with `change` made wherever it asserts, and untouched elsewhere."""

    def __init__(
        self,
        schema: Schema,
        change: Callable[[dict[str, Any], bool], dict[str, Any]],
        untouched: set[int],
    ) -> None:
        self._schema, self._change, self._untouched = schema, change, untouched
        self._copied = False

    def made(self) -> Schema:
        changed = self._asserted(self._schema, is_place=True)
        if not self._copied:
            return changed
        copy = _moved(self._schema)
        return {**changed, "$defs": {**changed.get("$defs", {}), AS_IT_STANDS: copy}}

    def _asserted(self, node: Schema, is_place: bool) -> Schema:
        if not isinstance(node, dict):
            return node
        if id(node) in self._untouched:
            self._copied |= any(isinstance(each, dict) and "$ref" in each for _, each in walk(node))
            return _moved(node)
        return rebuilt(self._change(node, is_place), self._inside)

    def _inside(self, path: tuple[str, ...], below: Schema) -> Schema:
        if path[0] in ("not", "if"):
            self._copied = True
            return _moved(below)
        return self._asserted(below, is_place=path[0] not in IN_PLACE and path[0] not in NAMED)


def _moved(node: Schema) -> Schema:
    """The schema with its references into the copy of the document."""
    if not isinstance(node, dict):
        return node
    made = rebuilt(node, lambda _, below: _moved(below))
    if "$ref" in node:
        made["$ref"] = f"#/$defs/{AS_IT_STANDS}{node['$ref'][1:]}"
    return made


# By the oneOf that a schema stands in: in which of its branches.
Branches: TypeAlias = Mapping[int, str]


def _in_place(node: Schema, root: Schema) -> Iterator[tuple[dict[str, Any], Branches]]:
    """Every schema that is applied to the same value, `node` first; not what is below `not`."""
    waiting: list[tuple[Schema, Branches]] = [(node, {})]
    seen = set()
    while waiting:
        each, branches = waiting.pop()
        key = (id(each), frozenset(branches.items()))
        if not isinstance(each, dict) or key in seen:
            continue
        seen.add(key)
        yield each, branches
        if "$ref" in each:
            waiting.append((at(root, each["$ref"][1:]), branches))
        for path, below in subschemas(each):
            if path[0] == "oneOf":
                waiting.append((below, {**branches, id(each): path[1]}))
            elif path[0] in IN_PLACE and path[0] != "not":
                waiting.append((below, branches))


def _described_twice(root: Schema) -> set[int]:
    """Schemas of places that another schema may describe too: they cannot be closed alone."""
    shared: set[int] = set()
    for _, node in walk(root):
        group = list(_in_place(node, root))
        for keywords in (OF_PROPERTIES, OF_ITEMS):
            described = [
                _Described(place, below, branches)
                for each, branches in group
                for place, below in _children(each, keywords)
            ]
            shared |= _together(described)
    return shared


class _Described(NamedTuple):
    """A subschema for values inside, where it stands, and in which branches."""

    place: tuple[str, ...]
    schema: dict[str, Any]
    branches: Branches


def _together(described: list[_Described]) -> set[int]:
    """Those that may speak of one value with another."""
    exact: dict[tuple[str, ...], list[_Described]] = {}
    loose = [one for one in described if one.place[0] not in ("properties", "prefixItems")]
    for one in described:
        exact.setdefault(one.place, []).append(one)
    groups = [each for each in exact.values() if len(each) > 1]
    if len(loose) * len(described) > MOST_PAIRS:
        return {id(one.schema) for one in described}
    pairs = [pair for group in groups for pair in product(group, group)]
    pairs += [pair for pair in product(loose, described) if _overlap(pair[0].place, pair[1].place)]
    return {
        id(each.schema)
        for one, other in pairs
        if one.schema is not other.schema and _may_both_hold(one.branches, other.branches)
        for each in (one, other)
    }


def _may_both_hold(one: Branches, other: Branches) -> bool:
    return all(other.get(each, branch) == branch for each, branch in one.items())


def _children(
    node: dict[str, Any], keywords: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """The subschemas for values inside; what is true or false describes nothing."""
    for path, below in subschemas(node):
        if path[0] in keywords and path[0] != "propertyNames" and isinstance(below, dict):
            yield path, below


def _overlap(loose: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether a place that is no single one may take in the other; in doubt it does."""
    if loose[0] == "patternProperties" and other[0] == "properties":
        return re.search(loose[1], other[1]) is not None
    return True
