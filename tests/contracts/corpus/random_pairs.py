"""Random small schemas and random changes of them, over every keyword of the corpus.

A pair depends on its seed alone.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.contracts.corpus.readings import IN_PLACE, Schema, children, referred

NAMES = ("a", "b", "ab", "x-c")
CONSTANTS: tuple[Any, ...] = (None, True, False, 0, 1, 1.0, 2, 3.5, "", "a", "b", "ab", [], [1], {})
PATTERNS = ("^a", "b$", "^[ab]*$", "^(ab)+$", "^[a-c]{1,2}$", "^x-", "a", "^[^b]+$")
FORMATS = ("date", "uuid", "date-time")
KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
REFERENCES = ("#/$defs/p", "#/$defs/q")


class Pair(NamedTuple):
    """A schema, a change of it, and the reading ("strict" or "contract") that is asked for."""

    old: Schema
    new: Schema
    reading: str


def pairs(count: int, seed: int = 0) -> Iterator[Pair]:
    """`count` pairs; the same for the same seed."""
    for at in range(count):
        yield pair(f"{seed}/{at}")


def pair(seed: str) -> Pair:
    """The pair of one seed."""
    for again in range(100):
        rng = random.Random(f"{seed}/{again}")
        definitions = {"p": _recursive(rng), "q": {"type": rng.choice(KINDS), **_constant(rng)}}
        old = _complete(_document(rng), definitions)
        new = copy.deepcopy(old)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            new = _changed(new, rng)
        new = _complete(new, definitions)
        if not (_endless(old) or _endless(new)):
            old, new = (new, old) if rng.random() < 0.3 else (old, new)
            return Pair(old, new, rng.choice(("strict", "contract")))
    raise AssertionError(f"no pair for {seed}")


def _document(rng: random.Random) -> dict[str, Any]:
    schema = _schema(rng, depth=2)
    return schema if isinstance(schema, dict) else {"not": {"const": rng.choice(CONSTANTS)}}


def _complete(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The document with a definition for each reference that may stand in it."""
    if "$ref" not in repr(schema) or set(schema.get("$defs", ())) >= set(definitions):
        return schema
    return schema | {"$defs": copy.deepcopy(definitions)}


def _endless(document: dict[str, Any]) -> bool:
    """Whether a reference leads back to itself without going into the instance: no schema."""

    def meets(schema: Schema, above: tuple[str, ...]) -> bool:
        if isinstance(schema, bool):
            return False
        reference = schema.get("$ref")
        if reference in above:
            return True
        if reference and meets(referred(document, reference), (*above, reference)):
            return True
        beside = (inner for keyword, inner in children(schema) if keyword in IN_PLACE)
        return any(meets(inner, above) for inner in beside)

    return any(meets(schema, ()) for schema, _ in _spots(document))


def _recursive(rng: random.Random) -> dict[str, Any]:
    value = _schema(rng, depth=0)
    properties = {"a": value, "b": {"$ref": "#/$defs/p"}}
    closed = {"additionalProperties": False} if rng.random() < 0.5 else {}
    return {"type": "object", "properties": properties, "required": ["a"], **closed}


def _schema(rng: random.Random, depth: int, kind: str | None = None) -> Schema:
    """A schema of one kind with a few of its keywords, at times with one that joins others.

    `kind` is what the schema around it is about; schemas that join speak mostly of the same.
    """
    if rng.random() < 0.04:
        return rng.random() < 0.5
    about = kind if kind and rng.random() < 0.8 else None
    kind = about or rng.choice((*KINDS, *KINDS[5:], *KINDS[5:]) if depth > 0 else KINDS[:5])
    schema: dict[str, Any] = {}
    if rng.random() < (0.3 if about else 0.85):
        schema["type"] = kind if rng.random() < 0.9 else list(dict.fromkeys((kind, "null")))
    makers = [k for k in sorted(_KEYWORDS[kind]) if depth > 0 or _KEYWORDS[kind][k] not in _DEEP]
    for keyword in rng.sample(makers, min(len(makers), rng.choice((0, 1, 1, 2, 3)))):
        schema[keyword] = _KEYWORDS[kind][keyword](rng, depth, kind)
    if rng.random() < 0.1:
        schema |= _constant(rng)
    if depth > 0 and rng.random() < 0.35:
        keyword = rng.choice(sorted(_JOINING))
        schema[keyword] = _JOINING[keyword](rng, depth, kind)
        if keyword == "if":
            others = rng.choice((("then",), ("else",), ("then", "else")))
            schema |= {other: _schema(rng, depth - 1, kind) for other in others}
    if rng.random() < 0.06:
        schema["$ref"] = rng.choice(REFERENCES)
    return schema


def _constant(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.3:
        return {"const": rng.choice(CONSTANTS)}
    return {"enum": rng.sample(CONSTANTS[3:5] + CONSTANTS[6:], rng.choice((1, 2, 3)))}


Maker = Callable[[random.Random, int, str], Any]


def _inner(rng: random.Random, depth: int, _: str) -> Schema:
    return _schema(rng, depth - 1)


def _beside(rng: random.Random, depth: int, kind: str) -> Schema:
    return _schema(rng, depth - 1, kind)


def _some(rng: random.Random, depth: int, _: str) -> list[Schema]:
    return [_schema(rng, depth - 1) for _ in range(rng.choice((1, 2, 2, 3)))]


def _branches(rng: random.Random, depth: int, kind: str) -> list[Schema]:
    return [_schema(rng, depth - 1, kind) for _ in range(rng.choice((1, 2, 2, 3)))]


def _named(names: tuple[str, ...], rng: random.Random, depth: int) -> dict[str, Schema]:
    chosen = rng.sample(names, rng.choice((1, 2, 2, 3)))
    return {name: _schema(rng, depth - 1) for name in chosen}


def _properties(rng: random.Random, depth: int, _: str) -> dict[str, Schema]:
    return _named(NAMES, rng, depth)


def _pattern_properties(rng: random.Random, depth: int, _: str) -> dict[str, Schema]:
    return _named(PATTERNS[:4], rng, depth)


def _dependent_schemas(rng: random.Random, depth: int, kind: str) -> dict[str, Schema]:
    return {rng.choice(NAMES): _beside(rng, depth, kind)}


def _one_of(*values: Any) -> Maker:
    return lambda rng, *_: rng.choice(values)


def _names(rng: random.Random, *_: Any) -> list[str]:
    return rng.sample(NAMES, rng.choice((1, 1, 2)))


def _rest(rng: random.Random, depth: int, _: str) -> Schema:
    return False if rng.random() < 0.6 else _schema(rng, depth - 1)


_NUMBERS: dict[str, Maker] = {
    "minimum": _one_of(-1, 0, 1, 2.5),
    "maximum": _one_of(0, 1, 3, 4.5),
    "exclusiveMinimum": _one_of(-1, 0, 1),
    "exclusiveMaximum": _one_of(1, 2, 4),
    "multipleOf": _one_of(1, 2, 3, 0.5),
}
_KEYWORDS: dict[str, dict[str, Maker]] = {
    "null": {},
    "boolean": {},
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "string": {
        "minLength": _one_of(0, 1, 2),
        "maxLength": _one_of(0, 1, 2, 4),
        "pattern": _one_of(*PATTERNS),
        "format": _one_of(*FORMATS),
    },
    "array": {
        "items": _inner,
        "prefixItems": _some,
        "contains": _inner,
        "minContains": _one_of(0, 1, 2),
        "maxContains": _one_of(0, 1, 2),
        "minItems": _one_of(0, 1, 2, 3),
        "maxItems": _one_of(0, 1, 2, 3),
        "uniqueItems": _one_of(True),
        "unevaluatedItems": _rest,
    },
    "object": {
        "properties": _properties,
        "required": _names,
        "additionalProperties": _rest,
        "patternProperties": _pattern_properties,
        "propertyNames": lambda rng, *_: {"pattern": rng.choice(PATTERNS)},
        "minProperties": _one_of(0, 1, 2),
        "maxProperties": _one_of(0, 1, 2, 3),
        "dependentRequired": lambda rng, *_: {rng.choice(NAMES): _names(rng)},
        "dependentSchemas": _dependent_schemas,
        "unevaluatedProperties": _rest,
    },
}
# Makers of schemas: not for a schema that is deep enough.
_DEEP = (_inner, _some, _properties, _pattern_properties, _dependent_schemas)
_JOINING: dict[str, Maker] = {
    "allOf": _branches,
    "anyOf": _branches,
    "oneOf": _branches,
    "not": _beside,
    "if": _beside,
}


# -- changes


def _changed(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The document with one schema in it changed in one way."""
    spots = list(_spots(document))
    schema, depth = rng.choice(spots)
    change = rng.choice((_drop, _remake, _remake, _add, _add, _retype, _close, _reword))
    change(schema, depth, rng)
    return document


def _spots(schema: Schema, depth: int = 2) -> Iterator[tuple[dict[str, Any], int]]:
    """Every schema in a document that can change, with how deep what it gets may be."""
    if isinstance(schema, bool):
        return
    yield schema, max(depth, 0)
    for _, inner in children(schema):
        yield from _spots(inner, depth - 1)


def _drop(schema: dict[str, Any], _: int, rng: random.Random) -> None:
    if schema:
        del schema[rng.choice(sorted(schema))]


def _remake(schema: dict[str, Any], depth: int, rng: random.Random) -> None:
    """Another value for a keyword that stands there."""
    makers = {k: make for kind in _KEYWORDS.values() for k, make in kind.items()} | _JOINING
    present = [k for k in sorted(schema) if k in makers]
    if not present:
        return _add(schema, depth, rng)
    keyword = rng.choice(present)
    schema[keyword] = makers[keyword](rng, depth, _kind(schema, rng))
    return None


def _add(schema: dict[str, Any], depth: int, rng: random.Random) -> None:
    kind = _kind(schema, rng)
    makers = _KEYWORDS[kind] or _JOINING
    keyword = rng.choice(sorted(makers))
    schema[keyword] = makers[keyword](rng, depth, kind)


def _kind(schema: dict[str, Any], rng: random.Random) -> str:
    """What the schema is about: its type, else the type that its keywords are for."""
    kinds = schema.get("type", [k for k in KINDS if set(_KEYWORDS[k]) & set(schema)])
    return kinds if isinstance(kinds, str) else next(iter(kinds), rng.choice(KINDS))


def _retype(schema: dict[str, Any], _: int, rng: random.Random) -> None:
    kind = schema.get("type")
    if kind in ("integer", "number"):
        schema["type"] = "number" if kind == "integer" else "integer"
    elif isinstance(kind, str) and kind != "null":
        schema["type"] = [kind, "null"]
    else:
        schema["type"] = rng.choice(KINDS)


def _close(schema: dict[str, Any], _: int, rng: random.Random) -> None:
    closer = rng.choice(("additionalProperties", "unevaluatedProperties"))
    if closer in schema:
        del schema[closer]
    else:
        schema[closer] = False


def _reword(schema: dict[str, Any], depth: int, rng: random.Random) -> None:
    """The schema moved below a keyword that joins: at times the same, said otherwise."""
    whole = copy.deepcopy(schema)
    schema.clear()
    keyword = rng.choice(("allOf", "anyOf", "oneOf", "not"))
    if keyword == "not":
        schema["not"] = {"not": whole}
    else:
        schema[keyword] = [
            whole,
            *([] if rng.random() < 0.6 else [_schema(rng, max(depth - 1, 0))]),
        ]
