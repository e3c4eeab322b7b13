"""The contracts as the tests walk them."""

import json
from pathlib import Path
from typing import Any

from reference_service.schemas import CONTRACTS


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


SCHEMAS: dict[str, dict[str, Any]] = {
    str(path.relative_to(CONTRACTS).with_suffix("")): read(path)
    for path in sorted(CONTRACTS.rglob("v*.json"))
    if path.parent.name != "examples"
}
# What stands by itself, in every version; a type is part of others and shown in their examples.
MESSAGES = [name for name in SCHEMAS if not name.startswith("types/")]
NEWEST = {
    name.rpartition("/v")[0]: name
    for name in sorted(SCHEMAS, key=lambda name: int(name.rpartition("/v")[2]))
}
EVENTS = [name for name in MESSAGES if name.startswith("events/")]
PUBLIC = [name for name in EVENTS if name.startswith("events/public/")]
TOPOLOGY: dict[str, dict[str, Any]] = read(CONTRACTS / "topology.json")


def newest(folder: str) -> int:
    """The number of its newest version: newest("events/public/order_placed")."""
    return int(NEWEST[folder].rpartition("/v")[2])


def next_version(folder: str) -> str:
    """The name of the version that contracts/ does not have yet."""
    return f"{folder}/v{newest(folder) + 1}"


def example(name: str, form: str) -> Any:
    folder, _, version = name.rpartition("/")
    return read(CONTRACTS / folder / "examples" / f"{version}-{form}.json")
