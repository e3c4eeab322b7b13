"""contracts/ as the generators read it: histories of versions, examples, ways, routes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bitacora.contracts.documents import ContractFault, Document, check_schema, read_json
from bitacora.contracts.generate.sources import HTTP_API, SETTINGS, TOPOLOGY, held
from bitacora.contracts.keywords import at

# A schema of contracts/ is always an object.
Schema = Mapping[str, Any]

_VERSION = re.compile(r"v([1-9][0-9]*)")


@dataclass(frozen=True)
class Version:
    """One version of an event, a command, an answer, a type: `events/public/order_placed/v1`."""

    folder: str
    number: int
    schema: Schema = field(repr=False, hash=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.folder}/v{self.number}"

    @property
    def file(self) -> str:
        return f"contracts/{self.name}.json"

    @property
    def title(self) -> str:
        return str(self.schema.get("title", ""))

    @property
    def id(self) -> str:
        return str(self.schema.get("$id", ""))

    def fault(self, pointer: str, what: str) -> ContractFault:
        return ContractFault(self.file, pointer, what)


@dataclass(frozen=True)
class Module:
    """What a module holds: the events of `folder`; `imports` says which types it only imports."""

    folder: str
    summary: str
    imports: Mapping[str, str]


@dataclass(frozen=True)
class Names:
    """What the parts of the public way are called; a consumer that is no queue of the bus
    subscribes to the topic.
    """

    bus: str
    topic: str
    queues_of_bus: Sequence[str]


@dataclass(frozen=True)
class PublicEvent:
    """Who publishes a public event, to what it happens, and who consumes it."""

    name: str
    source: str
    stream: str
    consumers: Sequence[str]
    history: Sequence[Version]


class Language:
    """The contracts of one repository and what its pyproject.toml says about them.

    Raises ContractFault, here and in every method, for what can't be read or leads nowhere.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._folder = root, root / "contracts"
        self.versions: dict[str, Version] = {one.name: one for one in self._read()}
        self._by_id = {one.id: one for one in self.versions.values()}
        api = self._json("http_api.json")
        self.http_api: dict[str, Any] = held(api, HTTP_API, "contracts/http_api.json")

    def history(self, folder: str) -> list[Version]:
        """Every version of one thing, oldest first: history("events/public/order_placed")."""
        found = [version for version in self.versions.values() if version.folder == folder]
        return sorted(found, key=lambda version: version.number)

    def below(self, folder: str) -> list[list[Version]]:
        """The histories of everything in a folder, by name: below("events/internal")."""
        folders = {v.folder for v in self.versions.values() if v.folder.startswith(f"{folder}/")}
        return [self.history(each) for each in sorted(folders)]

    def newest(self, folder: str) -> Version:
        versions = self.history(folder)
        if not versions:
            raise ContractFault(f"contracts/{folder}", "", "holds no schema, but is named")
        return versions[-1]

    def version(self, name: str) -> Version:
        if name not in self.versions:
            raise ContractFault(f"contracts/{name}.json", "", "is named, but does not exist")
        return self.versions[name]

    def example(self, version: Version, form: str) -> Any:
        """A valid example; `form` is "minimal" or "full"."""
        return self._json(f"{version.folder}/examples/v{version.number}-{form}.json")

    def resolve(self, ref: str, base: Version) -> tuple[Schema, Version, str]:
        """What a `$ref` leads to: the schema, its document and the pointer into it."""
        identifier, _, pointer = ref.partition("#")
        document = self._by_id.get(identifier) if identifier else base
        try:
            schema = at(document.schema, pointer) if document else None
        except LookupError:
            schema = None
        if document is None or not isinstance(schema, dict):
            raise base.fault("", f'"{ref}" leads nowhere')
        return schema, document, pointer

    def document(self, version: Version) -> Document:
        """The version as the checker takes it."""
        schemas = {identifier: one.schema for identifier, one in self._by_id.items()}
        return Document.of(version.schema, version.file, schemas.get)

    @cached_property
    def public_events(self) -> list[PublicEvent]:
        """The events of topology.json, in its order."""
        ways = held(self._json("topology.json"), TOPOLOGY, "contracts/topology.json")
        events = []
        for name, way in ways.items():
            history = self.history(self.newest(f"events/{way['schema']}").folder)
            for version in history:
                if version.title != name:
                    raise version.fault("/title", f"is not {name}, as contracts/topology.json says")
            events.append(
                PublicEvent(name, way["source"], way["stream"], way["consumers"], history)
            )
        return events

    def subscribers(self) -> list[str]:
        """The consumers that the topic feeds; the others are queues of the bus."""
        return [each for each in self.consumers() if each not in self.names.queues_of_bus]

    def consumers(self) -> list[str]:
        return sorted({each for event in self.public_events for each in event.consumers})

    def consumed_by(self, *consumers: str) -> list[PublicEvent]:
        """The events that any of the consumers takes."""
        taken = set(consumers)
        return [event for event in self.public_events if taken & set(event.consumers)]

    @cached_property
    def names(self) -> Names:
        given = self._tool["names"]
        return Names(given["bus"], given["topic"], given["queues-of-bus"])

    @cached_property
    def modules(self) -> dict[str, Module]:
        """The modules of types to write, by their path in the repository."""
        return {
            path: Module(given["events"], given["summary"], given.get("import", {}))
            for path, given in self._tool["modules"].items()
        }

    @cached_property
    def _tool(self) -> Any:
        where = "pyproject.toml"
        try:
            project: Any = tomllib.loads((self._root / where).read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ContractFault(where, "", f"can't be read: {error}") from error
        for step in ("tool", "bitacora", "contracts"):
            project = project.get(step, {})
        return held(project, SETTINGS, where, "/tool/bitacora/contracts")

    def _read(self) -> Iterator[Version]:
        for path in sorted(self._folder.rglob("v*.json")):
            number = _VERSION.fullmatch(path.stem)
            if number and path.parent.name != "examples":
                folder = path.parent.relative_to(self._folder).as_posix()
                schema = self._json(f"{folder}/{path.name}")
                version = Version(folder, int(number[1]), schema)
                check_schema(schema, version.file)
                if not isinstance(schema, dict):
                    raise version.fault("", "is no object")
                yield version

    def _json(self, path: str) -> Any:
        return read_json(self._folder / path, f"contracts/{path}")
