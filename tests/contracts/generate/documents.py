"""The generated documents as they stand in the repository, and how tests look into them."""

import json
from collections.abc import Iterator
from typing import Any

from bitacora.contracts.keywords import at
from tests.contracts.generate.repository import PROJECT

OPENAPI: dict[str, Any] = json.loads((PROJECT / "contracts" / "openapi.json").read_text("utf-8"))
ASYNCAPI: dict[str, Any] = json.loads((PROJECT / "contracts" / "asyncapi.json").read_text("utf-8"))
ROUTING: dict[str, Any] = json.loads((PROJECT / "infra" / "routing.json").read_text("utf-8"))


def references(node: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def followed(document: Any, reference: str) -> Any:
    """What a local reference leads to. Raises LookupError, and ValueError for one that leaves."""
    if not reference.startswith("#/"):
        raise ValueError(f"{reference} leaves the document")
    return at(document, reference[1:])
