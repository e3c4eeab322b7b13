"""docs/catalogue.md: every event and command, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from bitacora.contracts.changes import changes
from bitacora.contracts.folder import Folder, Version
from bitacora.contracts.generate.language import Language, PublicEvent, Schema
from bitacora.contracts.generate.versions import oldest_reader
from bitacora.contracts.keywords import steps
from bitacora.contracts.lint.agreement import UPCAST

HEAD = """# Catalogue

<!-- Generated from contracts/ by `bitacora contracts generate`; do not edit. -->

What services tell each other (public events), what the order service keeps (internal events) and
what customers may ask for (commands). Fields and example are those of the newest version."""


def catalogue(language: Language) -> str:
    public = {event.history[-1].folder: event for event in language.public_events}
    sections = {
        "Public events": [
            _public_event(language, public[history[-1].folder], history)
            for history in language.below("events/public")
            if history[-1].folder in public
        ],
        "Internal events": [
            _entry(language, history, ["Kept in the event store."])
            for history in language.below("events/internal")
        ],
        "Envelope": [
            _entry(language, language.folder.histories["envelope"], ["Around every public event."])
        ],
        "Commands": [_command(language, history) for history in language.below("commands")],
    }
    contents = [
        f"- {heading}: {', '.join(entry.link for entry in entries)}"
        for heading, entries in sections.items()
    ]
    parts = [HEAD, "\n".join(contents)]
    for heading, entries in sections.items():
        parts += [f"## {heading}", *(entry.text for entry in entries)]
    return "\n\n".join(parts) + "\n"


class _Entry(NamedTuple):
    link: str
    text: str


def _public_event(language: Language, event: PublicEvent, history: Sequence[Version]) -> _Entry:
    ways = [
        f"Published by `{event.source}`, about a stream `{event.stream}-…`.",
        f"Consumed by {', '.join(f'`{consumer}`' for consumer in event.consumers)}.",
    ]
    return _entry(language, history, ways)


def _command(language: Language, history: Sequence[Version]) -> _Entry:
    routes = language.http_api["routes"]
    names = {version.name for version in history}
    asked = [route["route"] for route in routes if route.get("command") in names]
    return _entry(language, history, [f"Body of `{route}`." for route in asked])


def _entry(language: Language, history: Sequence[Version], ways: Sequence[str]) -> _Entry:
    newest = history[-1]
    title, schema = language.title(newest), language.schemas[newest]
    anchor = newest.folder.replace("/", "-")
    example = json.dumps(language.example(newest, "full"), indent=2, ensure_ascii=False)
    rows = _table(
        ["field", "type", "limits", "required", "personal", "meaning"],
        [field.cells() for field in _fields(language, newest)],
    )
    parts = [
        f'<a id="{anchor}"></a>\n\n### {title}',
        " ".join([schema.get("description", ""), *ways]).strip(),
        _table(["version", "what changed", "read by"], list(_versions(language, history))),
        rows,
        f"```json\n{example}\n```",
    ]
    return _Entry(f"[{title}](#{anchor})", "\n\n".join(parts))


def _versions(language: Language, history: Sequence[Version]) -> Iterator[list[str]]:
    folder = language.folder
    changed = ["The first version.", *(_change(folder, *step) for step in pairwise(history))]
    for version, change in zip(history, changed, strict=True):
        since = oldest_reader(folder, version)
        readers = "its own readers" if since == version.number else f"readers of version {since}"
        link = f"[{version.number}](../contracts/{version.file})"
        yield [link, change, f"{readers} and newer"]


def _change(folder: Folder, old: Version, new: Version) -> str:
    if UPCAST in folder.schemas[new]:
        return f"{folder.schemas[new][UPCAST]} (upcaster)"
    found = changes(folder.document(old), folder.document(new))
    told = [f"{_place(change.pointer)}: {change.sentence}" for change in found]
    return f"{'. '.join(told) or 'Nothing'} (compatible)"


def _place(pointer: str) -> str:
    """/lines/*/sku → `lines[].sku`, as the fields are listed."""
    return f"`{'.'.join(steps(pointer)).replace('.*', '[]')}`" if pointer else "the whole"


class _Field(NamedTuple):
    path: str
    schema: Schema
    required: bool
    personal: bool

    def cells(self) -> list[str]:
        return [
            f"`{self.path}`",
            _type(self.schema),
            ", ".join(_limits(self.schema)),
            "yes" if self.required else "no",
            "yes" if self.personal else "",
            self.schema.get("description", ""),
        ]


def _fields(language: Language, version: Version) -> Iterator[_Field]:
    schema = language.schemas[version]
    return _below(language, schema, version, "", personal=False, within=frozenset())


def _below(
    language: Language,
    node: Schema,
    base: Version,
    path: str,
    *,
    personal: bool,
    within: frozenset[str],
) -> Iterator[_Field]:
    """The fields inside `node`, referenced types included, each before those inside it.

    `within` are the places that references have led to: one that comes back is not entered again.
    """
    for name, given in node.get("properties", {}).items():
        child, home, places = _resolved(language, given, base)
        marked = personal or bool(child.get("x-personal"))
        here = f"{path}{name}"
        yield _Field(here, child, name in node.get("required", ()), marked)
        if "items" in child:
            here += "[]"
            child, home, more = _resolved(language, child["items"], home)
            places |= more
        if not places & within:
            inside = within | places
            yield from _below(language, child, home, f"{here}.", personal=marked, within=inside)


def _resolved(
    language: Language, node: Schema, base: Version
) -> tuple[Schema, Version, frozenset[str]]:
    """The schema with what its `$ref` leads to, and the places that it leads to.

    What stands beside the `$ref` narrows what it leads to.
    """
    if "$ref" not in node:
        return node, base, frozenset()
    target, home, pointer = language.resolve(node["$ref"], base)
    found, last, places = _resolved(language, target, home)
    beside = {key: node[key] for key in node if key != "$ref"}
    return _narrowed(found, beside), last, places | {f"{home.name}#{pointer}"}


def _narrowed(schema: Schema, by: Schema) -> Schema:
    properties = {
        name: _narrowed(child, by.get("properties", {}).get(name, {}))
        for name, child in schema.get("properties", {}).items()
    }
    return {**schema, **by, **({"properties": properties} if properties else {})}


def _type(schema: Schema) -> str:
    kinds = schema.get("type", "string" if isinstance(schema.get("const"), str) else "any")
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    if "format" in schema:
        names[names.index("string")] = schema["format"]
    return " or ".join(names)


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "const" in schema:
        yield f"`{schema['const']}`"
    if "enum" in schema:
        yield "one of " + ", ".join(f"`{v}`" for v in schema["enum"] if v is not None)
    for low, high, what in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        match schema.get(low), schema.get(high):
            case None, None:
                pass
            case least, None:
                yield f"at least {least}{what}"
            case None, most:
                yield f"at most {most}{what}"
            case least, most:
                yield f"{least} to {most}{what}"
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
