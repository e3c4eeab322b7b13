"""Rules about what files say together: personal data, upcasting, the topology, the policy."""

from collections.abc import Iterator
from typing import Any

from bitacora.contracts.compatibility import Mode
from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import COMPATIBILITY, TOPOLOGY, Folder, Version
from bitacora.contracts.keywords import at, pointer_of, steps, walk
from bitacora.contracts.lint.examples import faults
from reference_service.schemas import urn

PERSONAL, UPCAST = "x-personal", "x-upcast"


def personal(folder: Folder) -> Iterator[Finding]:
    """Personal data is one nullable object at the top of an internal event; public ones have none.

    So it can be sealed and erased as one, and it never leaves the service.
    """
    types = _personal_types(folder)
    for version, schema in folder.schemas.items():
        if version.folder.startswith("events/public/"):
            yield from _nothing_personal(version, schema, types)
        elif version.folder.startswith("events/internal/"):
            yield from _one_personal_object(folder, version, schema)
        elif version.is_type:
            for pointer in _marked(schema):
                what = "is marked personal inside a type"
                remedy = f"Mark the field of the event that has this type: {PERSONAL}."
                yield Finding(version.file, pointer, what, remedy)


def _marked(schema: dict[str, Any]) -> list[str]:
    """Pointers to every schema that is marked, in order."""
    return sorted(
        pointer for pointer, node in walk(schema) if isinstance(node, dict) and node.get(PERSONAL)
    )


def _nothing_personal(
    version: Version, schema: dict[str, Any], types: set[str]
) -> Iterator[Finding]:
    remedy = "Publish an id instead; who needs the data asks the service."
    for pointer in _marked(schema):
        yield Finding(version.file, pointer, "is personal, in a public event", remedy)
    for pointer, node in walk(schema):
        if isinstance(node, dict) and _document_of(node.get("$ref", "")) in types:
            what = f"leads to {node['$ref']}, which is personal data of an internal event"
            yield Finding(version.file, f"{pointer}/$ref", what, remedy)


def _personal_types(folder: Folder) -> set[str]:
    """The $ids of the types that personal fields have, and of all that lead to one of those."""
    found: set[str] = set()
    leading: dict[str, set[str]] = {}
    for version, schema in folder.schemas.items():
        nodes = [node for _, node in walk(schema) if isinstance(node, dict) and "$ref" in node]
        found |= {_document_of(node["$ref"]) for node in nodes if node.get(PERSONAL)}
        if version.is_type:
            leading[urn(version.name)] = {_document_of(node["$ref"]) for node in nodes}
    found.discard("")
    while more := {name for name, targets in leading.items() if targets & found} - found:
        found |= more
    return found


def _document_of(ref: str) -> str:
    """The $id in a reference; "" for one into its own schema."""
    return ref.partition("#")[0]


def _one_personal_object(
    folder: Folder, version: Version, schema: dict[str, Any]
) -> Iterator[Finding]:
    marked = _marked(schema)
    if not marked:
        return
    first, *others = marked
    for pointer in others:
        what = f"is personal too, beside {first}: an event has one personal object"
        yield Finding(version.file, pointer, what, "Put both into one object.")
    path = steps(first)
    if len(path) != 2 or path[0] != "properties":
        what = "is personal and not a field of the event itself"
        yield Finding(version.file, first, what, "Move it to the top of the event.")
    elif not _is_nullable_object(folder, version, first):
        what = "is personal and no object that may be null"
        remedy = 'Give it "type": ["object", "null"]; null is what an erased one reads as.'
        yield Finding(version.file, first, what, remedy)


def _is_nullable_object(folder: Folder, version: Version, pointer: str) -> bool:
    if version not in folder.documents:
        return True  # its references lead nowhere, and that is told
    document = folder.documents[version]
    node, listed = at(document.schema, pointer), {"object", "null"}
    while True:
        said = node.get("type", ["object", "null"] if "$ref" in node else [])
        listed &= {said} if isinstance(said, str) else {*said}
        if "$ref" not in node:
            return listed == {"object", "null"} and {*_as_list(node.get("type"))} == listed
        node = at(document.schema, node["$ref"][1:])


def _as_list(types: Any) -> list[Any]:
    return types if isinstance(types, list) else [types]


def upcast(folder: Folder) -> Iterator[Finding]:
    """x-upcast stands at the top of a later version of an internal event, and says what it does."""
    for version, schema in folder.schemas.items():
        for pointer, node in walk(schema):
            if not isinstance(node, dict) or UPCAST not in node:
                continue
            place = f"{pointer}/{UPCAST}"
            if wrong := _misplaced_upcast(version, pointer):
                yield Finding(version.file, place, wrong, f"Take {UPCAST} out.")
            elif not isinstance(node[UPCAST], str) or not node[UPCAST].strip():
                what = f"{UPCAST} does not say what the upcaster does"
                yield Finding(version.file, place, what, "Write a sentence.")


def _misplaced_upcast(version: Version, pointer: str) -> str | None:
    if version.folder.startswith("events/public/"):
        return "a public event is never upcast: its readers are elsewhere"
    if not version.folder.startswith("events/internal/"):
        return "only stored events are upcast"
    if version.number == 1:
        return "nothing comes before version 1"
    return "an event is upcast as a whole" if pointer else None


def topology(folder: Folder) -> Iterator[Finding]:
    """topology.json has every public event, by its title, with its source and its consumers."""
    remedy = "Write each public event's source, stream, schema and consumers."
    yield from _is_object(folder, TOPOLOGY, remedy)
    ways = folder.values.get(TOPOLOGY)
    if not isinstance(ways, dict):
        return
    public = {version.folder: version for version in folder.newest if _is_public(version)}
    for name, way in ways.items():
        yield from _way(folder, name, way, public)
    named = [way.get("schema") for way in ways.values() if isinstance(way, dict)]
    for event, version in public.items():
        if event.removeprefix("events/") not in named:
            what = f"lacks {version.folder}: nobody would publish it"
            yield Finding(TOPOLOGY, "", what, "Add it, or take the schema out before its release.")


def _is_object(folder: Folder, file: str, remedy: str) -> Iterator[Finding]:
    if file not in folder.files:
        yield Finding(file, "", "is missing", remedy)
    elif not isinstance(folder.values.get(file, {}), dict):
        yield Finding(file, "", "is no object", remedy)


def _is_public(version: Version) -> bool:
    return version.folder.startswith("events/public/")


def _way(folder: Folder, name: str, way: Any, public: dict[str, Version]) -> Iterator[Finding]:
    place = pointer_of((name,))
    texts = ("source", "stream", "schema")
    if not isinstance(way, dict) or not all(isinstance(way.get(key), str) for key in texts):
        what = "is no way of an event"
        yield Finding(TOPOLOGY, place, what, "Write source, stream, schema and consumers.")
        return
    consumers = way.get("consumers")
    if (
        not isinstance(consumers, list)
        or not consumers
        or not all(isinstance(consumer, str) for consumer in consumers)
        or len({*consumers}) < len(consumers)
    ):
        what = "has no list of different consumers: an event is public because somebody reads it"
        yield Finding(TOPOLOGY, f"{place}/consumers", what, "Name who reads it.")
    version = public.get(f"events/{way['schema']}")
    if version is None:
        what = f"is {way['schema']}, and there is no such public event"
        yield Finding(TOPOLOGY, f"{place}/schema", what, "Name a folder like public/order_placed.")
    elif (title := folder.schemas.get(version, {}).get("title", name)) != name:
        what = f"is the way of {version.folder}, whose title is {title}"
        yield Finding(TOPOLOGY, place, what, f"Call it {title}.")


def envelope(folder: Folder) -> Iterator[Finding]:
    """The envelope lets every type and source of topology.json through."""
    newest = folder.histories.get("envelope", [])[-1:]
    ways = folder.values.get(TOPOLOGY)
    if not newest:
        yield Finding("envelope/v1.json", "", "is missing", "Describe how public events travel.")
    if not isinstance(ways, dict) or not newest or newest[0] not in folder.documents:
        return
    document = folder.documents[newest[0]]
    for name, way in ways.items():
        source = way.get("source") if isinstance(way, dict) else None
        said = ((name, "type", ""), (source, "source", "/source"))
        for value, field, place in said:
            stated = document.schema.get("properties", {}).get(field)
            schema = {**document.schema, "required": [], "properties": {field: stated or False}}
            if isinstance(value, str) and faults(schema, {field: value}):
                what = f"is {value!r}, which {newest[0].file} does not accept as {field}"
                remedy = f"Let the envelope accept it, or give the event another {field}."
                yield Finding(TOPOLOGY, pointer_of((name,)) + place, what, remedy)


def compatibility(folder: Folder) -> Iterator[Finding]:
    """compatibility.json says for every schema which question is asked of its versions."""
    remedy = 'Write a mode for each folder: {"events/public": "FULL_TRANSITIVE"}.'
    yield from _is_object(folder, COMPATIBILITY, remedy)
    asked = folder.values.get(COMPATIBILITY)
    if not isinstance(asked, dict):
        return
    for entry, mode in asked.items():
        if not isinstance(mode, str) or mode not in Mode.__members__:
            what = f"is {mode!r}, which is no mode"
            remedy = f"Write one of {', '.join(Mode.__members__)}."
            yield Finding(COMPATIBILITY, pointer_of((entry,)), what, remedy)
    covered = {event: folder.covering(event) for event in folder.histories}
    for event, entry in covered.items():
        if entry is None:
            what = f"says nothing about {event}"
            yield Finding(COMPATIBILITY, "", what, f'Add a mode for "{event.split("/")[0]}".')
    for entry in asked.keys() - covered.values():
        what = "speaks of no schema"
        yield Finding(COMPATIBILITY, pointer_of((entry,)), what, "Take it out.")
