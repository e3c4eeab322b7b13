"""Rules about a schema: it says what it is, describes every field and limits every value."""

import re
from collections.abc import Iterator
from typing import Any

from bitacora.contracts.documents import DIALECT
from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import Folder
from bitacora.contracts.keywords import pointer_of, subschemas
from reference_service.schemas import urn

# Of these formats every text has a length of its own.
BOUNDED_FORMATS = frozenset(("date", "uuid"))
# They carry the data of other schemas as an object of no known shape.
_CARRIERS = ("envelope", "answers")


def valid_schema(folder: Folder) -> Iterator[Finding]:
    """Every schema is one of JSON Schema 2020-12."""
    for version, fault in folder.invalid.items():
        yield Finding(version.file, fault.pointer, fault.what, "Correct the keyword there.")


def identity(folder: Folder) -> Iterator[Finding]:
    """`$schema` and `$id` say the dialect and the path."""
    for version, schema in folder.schemas.items():
        for keyword, expected in (("$schema", DIALECT), ("$id", urn(version.name))):
            if schema.get(keyword) != expected:
                found = schema.get(keyword, "missing")
                yield Finding(
                    version.file,
                    f"/{keyword}" if keyword in schema else "",
                    f"{keyword} is {found}; its path says {expected}"
                    if keyword == "$id"
                    else f"{keyword} is {found}",
                    f'Write "{keyword}": "{expected}".',
                )


def title(folder: Folder) -> Iterator[Finding]:
    """The title of a schema is its folder's name in capitals: order_placed → OrderPlaced."""
    for version, schema in folder.schemas.items():
        name = version.folder.rpartition("/")[2]
        expected = "".join(part.capitalize() for part in name.split("_"))
        if schema.get("title") != expected:
            where = "/title" if "title" in schema else ""
            what = f"the title is {schema.get('title', 'missing')}; the folder says {expected}"
            yield Finding(version.file, where, what, f'Write "title": "{expected}".')


def description(folder: Folder) -> Iterator[Finding]:
    """Every schema, field, item and branch is described."""
    for version, schema in folder.schemas.items():
        for pointer, node in stated(schema):
            text = node.get("description")
            if not isinstance(text, str) or not text.strip():
                what = "has no description"
                yield Finding(version.file, pointer, what, "Say in a sentence what it means.")


def own_title(folder: Folder) -> Iterator[Finding]:
    """An object inside a schema has a title: the name of the type that is generated from it.

    In an event so has an enum.
    """
    for version, schema in folder.schemas.items():
        for pointer, node in stated(schema):
            if isinstance(node.get("title"), str) or "$ref" in node:
                continue
            if "properties" in node or ("enum" in node and version.folder.startswith("events/")):
                what = "becomes a type of its own and has no title"
                yield Finding(version.file, pointer, what, 'Name it: "title": "Line".')


def limits(folder: Folder) -> Iterator[Finding]:
    """Every value has a type and a limit: text its length, a number its range, a list its size."""
    for version, schema in folder.schemas.items():
        for pointer, node in stated(schema):
            for lacking, remedy in _lacking(node):
                yield Finding(version.file, pointer, lacking, remedy)


def _lacking(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if {"const", "enum", "$ref", "oneOf"} & node.keys():
        return
    if "type" not in node:
        yield "says nothing about its type", 'Add "type", or "const", "enum", "$ref".'
    types = node.get("type", ())
    types = [types] if isinstance(types, str) else types
    if "string" in types and not _is_bounded_text(node):
        yield (
            "is a text without a limit",
            'Add "maxLength", or a pattern from ^ to $ without *, + and {n,}.',
        )
    if {"integer", "number"} & {*types}:
        if not {"minimum", "exclusiveMinimum"} & node.keys():
            yield "is a number without a least value", 'Add "minimum".'
        if not {"maximum", "exclusiveMaximum"} & node.keys():
            yield "is a number without a greatest value", 'Add "maximum".'
    if "array" in types:
        for keyword in ("minItems", "maxItems"):
            if keyword not in node:
                yield f"is a list without {keyword}", f'Add "{keyword}".'


def _is_bounded_text(node: dict[str, Any]) -> bool:
    if "maxLength" in node or node.get("format") in BOUNDED_FORMATS:
        return True
    pattern = node.get("pattern")
    return isinstance(pattern, str) and _is_bounded_pattern(pattern)


def _is_bounded_pattern(pattern: str) -> bool:
    """From ^ to $ without an open repetition; in doubt not."""
    plain = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", pattern)
    if not (plain.startswith("^") and plain.endswith("$")) or re.search(r"[*+]|\{\d+,\}", plain):
        return False
    while plain != (inner := re.sub(r"\([^()]*\)", "x", plain)):
        plain = inner
    return "|" not in plain


def closed(folder: Folder) -> Iterator[Finding]:
    """An object lists its properties and no other may be written."""
    for version, schema in folder.schemas.items():
        for pointer, node in stated(schema):
            if not _is_object(node) or "$ref" in node:
                continue
            lists = "properties" in node or "oneOf" in node
            if not lists and not version.folder.startswith(_CARRIERS):
                what = "is an object that lists no properties"
                yield Finding(version.file, pointer, what, 'Add "properties".')
            elif "properties" in node and node.get("additionalProperties") is not False:
                what = "is open: a producer could write what no contract knows"
                yield Finding(version.file, pointer, what, 'Add "additionalProperties": false.')


def _is_object(node: dict[str, Any]) -> bool:
    return "properties" in node or "object" in node.get("type", ())


def required_known(folder: Folder) -> Iterator[Finding]:
    """What is required is among the properties."""
    for version, schema in folder.schemas.items():
        for pointer, node in stated(schema):
            if "$ref" in node:
                continue
            for index, name in enumerate(node.get("required", ())):
                if name not in node.get("properties", {}):
                    what = f'"{name}" is required and not among the properties'
                    place = f"{pointer}/required/{index}"
                    yield Finding(version.file, place, what, "Describe it, or take it out.")


def stated(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema and every one below it that says what a value is, each with its JSON pointer.

    What stands beside a $ref only narrows what is said where that leads.
    """
    waiting = [("", schema)]
    while waiting:
        pointer, node = waiting.pop()
        yield pointer, node
        if "$ref" in node:
            continue
        for path, below in subschemas(node):
            if isinstance(below, dict):
                waiting.append((pointer + pointer_of(path), below))
