"""A contracts folder as data: every schema, example and agreement in it, parsed once.

It may stand in a directory or in a git revision (revision.py); nothing here reads the disk twice.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from bitacora.contracts.compatibility import Mode
from bitacora.contracts.documents import (
    ContractFault,
    Document,
    check_schema,
    parse_json,
    read_limited,
)
from bitacora.embedded.problem import UsageProblem
from reference_service.schemas import urn

LOCK = "released.lock"
TOPOLOGY = "topology.json"
COMPATIBILITY = "compatibility.json"
HTTP_API = "http_api.json"
GENERATED = ("asyncapi.json", "openapi.json")
FORMS = ("minimal", "full", "bad")

_VERSION = re.compile(r"([a-z_]+(?:/[a-z_]+)*)/v([1-9][0-9]*)\.json")


class Version(NamedTuple):
    """One version of one schema: Version("events/internal/order_placed", 3)."""

    folder: str
    number: int

    @property
    def name(self) -> str:
        """events/internal/order_placed/v3"""
        return f"{self.folder}/v{self.number}"

    @property
    def file(self) -> str:
        return f"{self.name}.json"

    @property
    def is_type(self) -> bool:
        """A part of others; it is shown in their examples."""
        return self.folder.startswith("types/")

    def fault(self, pointer: str, what: str) -> ContractFault:
        return ContractFault(self.file, pointer, what)

    def example(self, form: str) -> str:
        """The file of an example; `form` is one of FORMS."""
        return f"{self.folder}/examples/v{self.number}-{form}.json"

    @classmethod
    def of_file(cls, path: str) -> "Version | None":
        """The version that the file at a path below contracts/ is; None for every other file."""
        match = _VERSION.fullmatch(path)
        if not match or match[1].endswith("/examples"):
            return None
        return cls(match[1], int(match[2]))


@dataclass(frozen=True)
class Folder:
    """`contents` by path below the folder; `refused` are the files that could not be read."""

    where: str
    contents: Mapping[str, bytes] = field(repr=False)
    refused: Mapping[str, ContractFault] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, root: Path) -> "Folder":
        """The folder in a directory. Raises UsageProblem when there is none."""
        if not root.is_dir():
            raise UsageProblem(
                f"{root} is no folder of contracts.", "Name one with --contracts DIR."
            )
        contents: dict[str, bytes] = {}
        refused: dict[str, ContractFault] = {}
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_dir() and not path.is_symlink():
                continue
            try:
                contents[name] = read_limited(path, name)
            except ContractFault as fault:
                refused[name] = fault
        return cls(str(root), contents, refused)

    @property
    def files(self) -> list[str]:
        return sorted({*self.contents, *self.refused})

    @cached_property
    def _parsed(self) -> tuple[dict[str, Any], dict[str, ContractFault]]:
        values: dict[str, Any] = {}
        faults = dict(self.refused)
        for path, text in self.contents.items():
            if path.endswith(".json"):
                try:
                    values[path] = parse_json(text, path)
                except ContractFault as fault:
                    faults[path] = fault
        return values, faults

    @property
    def values(self) -> dict[str, Any]:
        """The JSON value in each file that holds one, by its path."""
        return self._parsed[0]

    @property
    def faults(self) -> dict[str, ContractFault]:
        """Why a file has no value: it cannot be read or is no JSON."""
        return self._parsed[1]

    def value(self, file: str) -> Any:
        """The JSON value in one file. Raises ContractFault, saying why there is none."""
        if file not in self.values:
            raise self.faults.get(file) or ContractFault(
                file, "", f"does not exist in {self.where}"
            )
        return self.values[file]

    @cached_property
    def versions(self) -> list[Version]:
        """Every version of every schema, readable or not, by folder and number."""
        return sorted(filter(None, map(Version.of_file, self.files)))

    @cached_property
    def histories(self) -> dict[str, list[Version]]:
        """The versions of each schema, oldest first, by its folder."""
        made: dict[str, list[Version]] = {}
        for version in self.versions:
            made.setdefault(version.folder, []).append(version)
        return made

    @cached_property
    def newest(self) -> list[Version]:
        """The newest version of each schema."""
        return [history[-1] for history in self.histories.values()]

    @cached_property
    def _checked(self) -> dict[Version, dict[str, Any] | ContractFault]:
        checked: dict[Version, dict[str, Any] | ContractFault] = {}
        for version in self.versions:
            if version.file in self.values:
                schema = self.values[version.file]
                checked[version] = _fault_of_schema(schema, version.file) or schema
        return checked

    @cached_property
    def schemas(self) -> dict[Version, dict[str, Any]]:
        """The valid schemas."""
        return {version: it for version, it in self._checked.items() if isinstance(it, dict)}

    @property
    def invalid(self) -> dict[Version, ContractFault]:
        """Why a file with JSON is no schema."""
        return {
            version: it for version, it in self._checked.items() if isinstance(it, ContractFault)
        }

    def schema(self, version: Version) -> dict[str, Any]:
        """One valid schema. Raises ContractFault, saying why it is none."""
        self.value(version.file)
        checked = self._checked[version]
        if isinstance(checked, ContractFault):
            raise checked
        return checked

    @cached_property
    def types(self) -> dict[str, Version]:
        """The valid shared types, by $id."""
        return {urn(version.name): version for version in self.schemas if version.is_type}

    def lookup(self, uri: str) -> dict[str, Any] | None:
        """The shared type that an absolute $ref names; None when it names none."""
        return self.schemas[self.types[uri]] if uri in self.types else None

    @cached_property
    def _standing(self) -> dict[Version, Document | ContractFault]:
        standing: dict[Version, Document | ContractFault] = {}
        for version, schema in self.schemas.items():
            try:
                standing[version] = Document.of(schema, version.name, self.lookup)
            except ContractFault as fault:
                standing[version] = fault
            except RecursionError:
                standing[version] = ContractFault(version.name, "", "is nested too deeply")
        return standing

    @cached_property
    def documents(self) -> dict[Version, Document]:
        """The schemas whose every $ref leads somewhere, each standing by itself."""
        return {version: it for version, it in self._standing.items() if isinstance(it, Document)}

    @property
    def unresolved(self) -> dict[Version, ContractFault]:
        """Why a valid schema cannot stand by itself."""
        return {
            version: it for version, it in self._standing.items() if isinstance(it, ContractFault)
        }

    def document(self, version: Version) -> Document:
        """One version as the checker takes it. Raises ContractFault, saying why it is none."""
        self.schema(version)
        standing = self._standing[version]
        if isinstance(standing, ContractFault):
            raise standing
        return standing

    def examples(self, version: Version) -> list[Any]:
        """The minimal and the full example, as far as they are there."""
        files = map(version.example, ("minimal", "full"))
        return [self.values[file] for file in files if file in self.values]

    def mode(self, folder: str) -> Mode | None:
        """What compatibility.json asks of the versions in a folder; None when it does not say."""
        prefix = self.covering(folder)
        asked = self.values[COMPATIBILITY][prefix] if prefix else None
        return Mode(asked) if isinstance(asked, str) and asked in Mode.__members__ else None

    def covering(self, folder: str) -> str | None:
        """The entry of compatibility.json that speaks of a folder: the longest that fits."""
        entries = self.values.get(COMPATIBILITY)
        if not isinstance(entries, dict):
            return None
        covering = [each for each in entries if f"{folder}/".startswith(f"{each}/")]
        return max(covering, key=len, default=None)


def _fault_of_schema(schema: Any, file: str) -> ContractFault | None:
    if not isinstance(schema, dict):
        return ContractFault(file, "", "is no schema: a JSON object was expected")
    try:
        json.dumps(schema, ensure_ascii=False).encode()
        check_schema(schema, file)
    except UnicodeEncodeError:
        return ContractFault(file, "", "holds half of a character, which no UTF-8 text can")
    except ContractFault as fault:
        return fault
    return None
