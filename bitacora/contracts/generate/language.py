"""What the generators ask: a folder of contracts without a fault, and pyproject.toml about it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bitacora.contracts.documents import ContractFault
from bitacora.contracts.folder import HTTP_API, TOPOLOGY, Folder, Version
from bitacora.contracts.generate.sources import API, SETTINGS, WAYS, held
from bitacora.contracts.keywords import at

PROJECT = "pyproject.toml"
# A schema of contracts/ is always an object.
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Module:
    """What a module holds: the events of `folder`, or the one event whose folder that is.

    `imports` says which types it only imports.
    """

    folder: str
    summary: str
    imports: Mapping[str, str]


@dataclass(frozen=True)
class Settings:
    """What pyproject.toml says: what the parts of the public way are called, and the modules of
    types to write, by their path in the repository.

    A consumer that is no queue of the bus subscribes to the topic.
    """

    bus: str
    topic: str
    queues_of_bus: Sequence[str]
    modules: Mapping[str, Module]

    @classmethod
    def read(cls, root: Path) -> Settings:
        """Those of the repository at `root`. Raises ContractFault."""
        try:
            project: Any = tomllib.loads((root / PROJECT).read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ContractFault(PROJECT, "", f"can't be read: {error}") from error
        for step in ("tool", "bitacora", "contracts"):
            project = project.get(step, {})
        said = held(project, SETTINGS, PROJECT, "/tool/bitacora/contracts")
        names = said["names"]
        modules = {
            path: Module(given["events"], given["summary"], given.get("import", {}))
            for path, given in said["modules"].items()
        }
        return cls(names["bus"], names["topic"], names["queues-of-bus"], modules)


@dataclass(frozen=True)
class PublicEvent:
    """Who publishes a public event, to what it happens, and who consumes it."""

    name: str
    source: str
    stream: str
    consumers: Sequence[str]
    history: Sequence[Version]


class Language:
    """The contracts of a repository, every schema valid, and what PROJECT says about them.

    Raises ContractFault, here and in every method, for what can't be read or leads nowhere: in
    PROJECT, or in a file below contracts/.
    """

    def __init__(self, root: Path) -> None:
        self.folder = folder = Folder.read(root / "contracts")
        self.schemas = {version: folder.schema(version) for version in folder.versions}
        self.http_api: dict[str, Any] = held(folder.value(HTTP_API), API, HTTP_API)
        self.settings = Settings.read(root)

    def title(self, version: Version) -> str:
        return str(self.schemas[version].get("title", ""))

    def below(self, folder: str) -> list[list[Version]]:
        """The histories of everything in a folder, by name: below("events/internal")."""
        histories = self.folder.histories.items()
        return [history for name, history in histories if name.startswith(f"{folder}/")]

    def of_module(self, module: Module) -> list[list[Version]]:
        """The histories of its events, without those that a module of their own has."""
        apart = {other.folder for other in self.settings.modules.values()}
        if module.folder in self.folder.histories:
            return [self.folder.histories[module.folder]]
        return [each for each in self.below(module.folder) if each[-1].folder not in apart]

    def newest(self, folder: str) -> Version:
        if folder not in self.folder.histories:
            raise ContractFault(folder, "", "holds no schema, but is named")
        return self.folder.histories[folder][-1]

    def version(self, name: str) -> Version:
        version = Version.of_file(f"{name}.json")
        if version not in self.schemas:
            raise ContractFault(f"{name}.json", "", "is named, but does not exist")
        return version

    def example(self, version: Version, form: str) -> Any:
        """A valid example; `form` is "minimal" or "full"."""
        return self.folder.value(version.example(form))

    def resolve(self, ref: str, base: Version) -> tuple[Schema, Version, str]:
        """What a `$ref` leads to: the schema, its version and the pointer into that."""
        identifier, _, pointer = ref.partition("#")
        version = self.folder.types.get(identifier) if identifier else base
        try:
            schema = at(self.schemas[version], pointer) if version else None
        except LookupError:
            schema = None
        if version is None or not isinstance(schema, dict):
            raise base.fault("", f'"{ref}" leads nowhere')
        return schema, version, pointer

    @cached_property
    def public_events(self) -> list[PublicEvent]:
        """The events of topology.json, in its order."""
        events = []
        for name, way in held(self.folder.value(TOPOLOGY), WAYS, TOPOLOGY).items():
            history = self.folder.histories[self.newest(f"events/{way['schema']}").folder]
            for version in history:
                if self.title(version) != name:
                    raise version.fault("/title", f"is not {name}, as {TOPOLOGY} says")
            events.append(
                PublicEvent(name, way["source"], way["stream"], way["consumers"], history)
            )
        return events

    def subscribers(self) -> list[str]:
        """The consumers that the topic feeds; the others are queues of the bus."""
        return [each for each in self.consumers() if each not in self.settings.queues_of_bus]

    def consumers(self) -> list[str]:
        return sorted({each for event in self.public_events for each in event.consumers})

    def consumed_by(self, *consumers: str) -> list[PublicEvent]:
        """The events that any of the consumers takes."""
        taken = set(consumers)
        return [event for event in self.public_events if taken & set(event.consumers)]
