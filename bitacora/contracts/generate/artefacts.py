"""What is generated from contracts/, and how it comes onto the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bitacora.contracts.documents import ContractFault
from bitacora.contracts.generate.asyncapi import asyncapi
from bitacora.contracts.generate.catalogue import catalogue
from bitacora.contracts.generate.language import PROJECT, Language
from bitacora.contracts.generate.openapi import openapi
from bitacora.contracts.generate.routing import routing
from bitacora.contracts.generate.types import python_module

DOCUMENTS: dict[str, Callable[[Language], str]] = {
    "contracts/asyncapi.json": asyncapi,
    "contracts/openapi.json": openapi,
    "docs/catalogue.md": catalogue,
    "infra/routing.json": routing,
}


def generate(root: Path) -> dict[Path, str]:
    """Every generated file of the repository at `root`, by its path, as it should read.

    Raises ContractFault.
    """
    try:
        language = Language(root)
        written = language.settings.modules
        modules = {path: python_module(language, module) for path, module in written.items()}
        documents = {path: text_of(language) for path, text_of in DOCUMENTS.items()}
    except ContractFault as fault:
        where = fault.where if fault.where == PROJECT else f"contracts/{fault.where}"
        raise ContractFault(where, fault.pointer, fault.what, fault.line) from fault
    return {root / path: text for path, text in sorted({**modules, **documents}.items())}


def stale(root: Path) -> list[Path]:
    """The generated files that are missing or read otherwise than they should."""
    return [path for path, text in generate(root).items() if not _reads(path, text)]


def write(root: Path) -> list[Path]:
    """Writes what is stale; the files that changed."""
    made = generate(root)
    changed = [path for path, text in made.items() if not _reads(path, text)]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made[path].encode())
    return changed


def _reads(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
