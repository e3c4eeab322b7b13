"""Rules about words: the part of JSON Schema in which every comparison is decided."""

import re
from collections.abc import Iterator
from typing import Any

from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import Folder
from bitacora.contracts.keywords import Schema, at, pointer_of, subschemas, walk
from bitacora.contracts.satisfiability.patterns import Unsupported, found_by

ANNOTATIONS = frozenset(("$comment", "title", "description", "examples", "default", "deprecated"))
KEYWORDS = ANNOTATIONS | {
    *("$schema", "$id", "$ref", "$defs", "type", "enum", "const"),
    *("required", "properties", "additionalProperties", "dependentRequired"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "format"),
    *("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "oneOf"),
}
FORMATS = frozenset(("date", "time", "date-time", "uuid", "email", "uri"))
SCALARS = frozenset(("string", "integer", "number", "boolean"))


def keywords(folder: Folder) -> Iterator[Finding]:
    """Only keywords of the decided subset are used, in their decided form."""
    for version, schema in folder.schemas.items():
        for pointer, node in walk(schema):
            for keyword, what in _outside(node):
                place = pointer + (f"/{keyword}" if keyword else "")
                yield Finding(
                    version.file,
                    place,
                    what,
                    "Say it with what contracts/ uses: what is outside is not always decided.",
                )


def _outside(node: Schema) -> Iterator[tuple[str, str]]:
    if not isinstance(node, dict):
        if node is True:
            yield "", "accepts everything"
        return
    for keyword in node:
        if keyword not in KEYWORDS and not keyword.startswith("x-"):
            yield keyword, f"{keyword} is outside the subset that contracts/ keeps to"
    if node.get("additionalProperties", False) is not False:
        yield "additionalProperties", "additionalProperties may only be false"
    if not isinstance(node.get("multipleOf", 1), int):
        yield "multipleOf", "multipleOf may only be an integer"
    for keyword in ("items", "oneOf", "prefixItems"):
        held = node.get(keyword, ())
        if held is False or (isinstance(held, list) and False in held):
            yield keyword, f"{keyword} holds a false"
    if False in node.get("properties", {}).values():
        yield "properties", "a property is false: leave it out instead"


def types(folder: Folder) -> Iterator[Finding]:
    """A value has one type, or one type and null."""
    for version, schema in folder.schemas.items():
        for pointer, node in walk(schema):
            listed = node.get("type") if isinstance(node, dict) else None
            if isinstance(listed, list) and len({*listed} - {"null"}) != 1:
                what = f"has the types {', '.join(listed)}; one, or one and null, is decided"
                remedy = "Choose one type, or a oneOf with a tag in each branch."
                yield Finding(version.file, f"{pointer}/type", what, remedy)


def formats(folder: Folder) -> Iterator[Finding]:
    """Only formats that every validator in use checks, and reads alike."""
    for version, schema in folder.schemas.items():
        for pointer, node in walk(schema):
            name = node.get("format") if isinstance(node, dict) else None
            if name is not None and name not in FORMATS:
                what = f"the format {name} is not checked alike everywhere"
                remedy = f"Use one of {', '.join(sorted(FORMATS))}, or a pattern."
                yield Finding(version.file, f"{pointer}/format", what, remedy)


def patterns(folder: Folder) -> Iterator[Finding]:
    """A pattern means the same in Python, Rust and ECMAScript, and can be compared."""
    for version, schema in folder.schemas.items():
        for pointer, node in walk(schema):
            if isinstance(node, dict) and "pattern" in node:
                for what, remedy in _unportable(node["pattern"]):
                    yield Finding(version.file, f"{pointer}/pattern", what, remedy)


def _unportable(pattern: str) -> Iterator[tuple[str, str]]:
    try:
        found_by(pattern)
    except (Unsupported, RecursionError) as fault:
        yield f"the pattern cannot be compared: it has {fault}", "Write it without that."
        return
    if found := re.search(r"(?<!\\)(?:\\\\)*\\([dDwWsS])", pattern):
        what = f"\\{found[1]} means more in one language than in another"
        yield what, "List the characters: [0-9], [A-Za-z0-9_]."
    outside_classes = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", pattern)
    if "." in outside_classes:
        what = "a dot leaves out other line ends in one language than in another"
        yield what, r"Say what is meant: [^\n], or [.] for the dot itself."


def tagged_branches(folder: Folder) -> Iterator[Finding]:
    """The branches of a oneOf are told apart by a required property, a const or enum in each."""
    for version, document in folder.documents.items():
        for pointer, node in walk(document.original):
            if not isinstance(node, dict) or "oneOf" not in node:
                continue
            # In the document that stands by itself every $ref can be followed.
            if not _has_tag(at(document.schema, f"{pointer}/oneOf"), document.schema):
                what = "no required property with a const or enum tells the branches apart"
                remedy = 'Give each branch one, as "kind": {"const": "card"}.'
                yield Finding(version.file, f"{pointer}/oneOf", what, remedy)


def _has_tag(branches: list[Schema], root: Schema) -> bool:
    followed = [_followed(branch, root) for branch in branches]
    if not all(isinstance(branch, dict) for branch in followed):
        return False
    shared = set.intersection(*({*branch.get("required", ())} for branch in followed))
    return any(_tells_apart(name, followed) for name in shared)


def _tells_apart(name: str, branches: list[dict[str, Any]]) -> bool:
    seen: list[Any] = []
    for branch in branches:
        said = branch.get("properties", {}).get(name, {})
        values = [said["const"]] if "const" in said else said.get("enum", [])
        if not values or any(value in seen for value in values):
            return False
        seen += values
    return True


def _followed(schema: Schema, root: Schema) -> Schema:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = at(root, schema["$ref"][1:])
    return schema


def reference(folder: Folder) -> Iterator[Finding]:
    """Every $ref leads into its own schema or to a type; nothing is ever fetched."""
    for version, fault in folder.unresolved.items():
        if fault.where == version.name:
            yield Finding(
                version.file,
                fault.pointer,
                fault.what,
                "What is shared stands in types/: urn:bitacora:type:<name>:v<N>.",
            )


def recursion(folder: Folder) -> Iterator[Finding]:
    """No schema contains itself: an event has an end, and so has every question about it."""
    for version, document in folder.documents.items():
        for pointer in _loops(document.schema):
            if _stands_in(document.original, pointer):
                what = "leads back to a schema that it stands in"
                remedy = "Say how deep it goes: a list of parts instead of parts inside parts."
                yield Finding(version.file, pointer, what, remedy)


def _loops(root: Schema) -> Iterator[str]:
    """Pointers to the `$ref`s that lead back to a schema around them."""
    waiting: list[tuple[str, frozenset[str]]] = [("", frozenset())]
    seen: set[str] = set()
    while waiting:
        here, around = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        node, inside = at(root, here), around | {here}
        target = node["$ref"][1:] if isinstance(node, dict) and "$ref" in node else None
        if target in inside:
            yield f"{here}/$ref"
        elif target is not None:
            waiting.append((target, inside))
        waiting += [(here + pointer_of(path), inside) for path, _ in subschemas(node)]


def _stands_in(schema: Schema, pointer: str) -> bool:
    try:
        return isinstance(at(schema, pointer), str)
    except LookupError:
        return False
