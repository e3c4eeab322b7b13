"""What a person compares: a file, a schema of the folder by its name, or one of a git revision."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitacora.contracts.documents import (
    ContractFault,
    Document,
    Lookup,
    beside,
    load_document,
    read_limited,
)
from bitacora.contracts.draft import named
from bitacora.contracts.folder import COMPATIBILITY, Folder, Version
from bitacora.contracts.keywords import Schema
from bitacora.contracts.places import keys_twice, line_of
from bitacora.contracts.revision import folder_at
from bitacora.embedded.problem import UsageProblem

_NAME = re.compile(r"(?P<name>.+?)(?:/v(?P<number>[1-9][0-9]*))?(?:\.json)?")


@dataclass(frozen=True)
class Side:
    """A schema to compare and the examples that it comes with; `file` None outside the checkout."""

    document: Document
    examples: Sequence[Any] = ()
    file: Path | None = None


def side(text: str, root: Path) -> Side:
    """What `text` names: a path, `order_placed/v2`, or `REF:order_placed/v2`.

    Raises UsageProblem for what names nothing, ContractFault for what is no schema.
    """
    path = Path(text)
    if path.exists() or path.is_symlink():
        return _of_file(path, root)
    ref, colon, name = text.rpartition(":")
    if colon:
        return _of_folder(folder_at(root, ref), name.removeprefix(f"{root.name}/"), root=None)
    try:
        return _of_folder(Folder.read(root), text.removeprefix(f"{root.name}/"), root)
    except UsageProblem as problem:
        if path.suffix == ".json":
            raise UsageProblem(f"There is no file {text}.", problem.what) from None
        raise


def _of_file(path: Path, root: Path) -> Side:
    """A schema of a contracts folder is read with what stands there, any other with its types."""
    text = read_limited(path, str(path))
    for pointer, line in keys_twice(text):
        raise ContractFault(str(path), pointer, "stands twice in its object", line)
    whole = path.resolve()
    for folder in whole.parents:
        if (folder / COMPATIBILITY).is_file():
            version = Version.of_file(whole.relative_to(folder).as_posix())
            if version:
                found = Folder.read(folder)
                return _side(found, version, str(path), path)
            break
    types = Folder.read(root) if root.is_dir() else Folder(str(root), {})
    document = _told(lambda: load_document(whole, _either(types.lookup, whole)), str(path), text)
    return Side(Document(str(path), document.schema, document.original), (), path)


def _either(types: Lookup, path: Path) -> Lookup:
    files = beside(path.parent, path.as_uri())

    def lookup(uri: str) -> Schema | None:
        known = types(uri)
        return files(uri) if known is None else known

    return lookup


def _of_folder(folder: Folder, text: str, root: Path | None) -> Side:
    match = _NAME.fullmatch(text)
    event = named(folder, match["name"] if match else text)
    newest = folder.histories[event][-1]
    version = Version(event, int(match["number"])) if match and match["number"] else newest
    if version not in folder.versions:
        there = ", ".join(f"v{each.number}" for each in folder.histories[event])
        raise UsageProblem(
            f"{event} has no v{version.number} in {folder.where}.", f"It has {there}."
        )
    shown = version.name if root else f"{folder.where.partition(':')[0]}:{version.name}"
    return _side(folder, version, shown, root / version.file if root else None)


def _side(folder: Folder, version: Version, shown: str, file: Path | None) -> Side:
    text = folder.contents.get(version.file, b"")
    document = _told(lambda: folder.document(version), shown, text)
    named_so = Document(shown, document.schema, document.original)
    return Side(named_so, folder.examples(version), file)


def _told(load: Callable[[], Document], shown: str, text: bytes = b"") -> Document:
    """The document, or a ContractFault that names it as the person did, with its line."""
    try:
        return load()
    except ContractFault as fault:
        line = fault.line or (line_of(text, fault.pointer) if fault.pointer else None)
        raise ContractFault(shown, fault.pointer, fault.what, line) from None
    except RecursionError:
        raise ContractFault(shown, "", "is nested too deeply to be read") from None
