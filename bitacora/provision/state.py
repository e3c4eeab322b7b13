"""What exists: resources.json, from URN to what was made of it.

Inputs are kept as digests, one per input: a refusal can name what changed, and no secret is stored.
The file is written after each resource and replaced atomically, so an interrupted run goes on where
it stopped.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi

from bitacora.provision.errors import ProvisionError


@dataclass(frozen=True)
class Stored:
    """`inputs`: digest by input name. `outputs`: beyond the inputs, by Pulumi's names."""

    type: str
    name: str
    inputs: dict[str, str]
    id: str
    outputs: dict[str, Any]


class StateFile:
    """Raises ProvisionError when the file exists and can't be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._resources = _read(path)
        # Encoding everything anew for each resource would cost as much as making it.
        self._lines = {urn: _line(urn, stored) for urn, stored in self._resources.items()}

    @property
    def resources(self) -> Mapping[str, Stored]:
        return MappingProxyType(self._resources)

    def put(self, urn: str, stored: Stored) -> None:
        with self._lock:
            self._resources[urn] = stored
            self._lines[urn] = _line(urn, stored)
            text = ",\n".join(self._lines.values())
            beside = self.path.with_suffix(".new")
            beside.touch(mode=0o600)
            beside.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
            beside.replace(self.path)


def _line(urn: str, stored: Stored) -> str:
    return f"{json.dumps(urn)}: {json.dumps(asdict(stored))}"


def digests(inputs: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each input's canonical JSON; packages count by their bytes."""
    return {
        name: hashlib.sha256(
            json.dumps(value, sort_keys=True, default=_content).encode()
        ).hexdigest()
        for name, value in inputs.items()
    }


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> frozenset[str]:
    """The inputs that differ, appeared or went away."""
    return frozenset(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def _content(value: Any) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, pulumi.output.Unknown):
        return "not known before the run"
    raise TypeError(f"{type(value).__name__} in an input")


def _read(path: Path) -> dict[str, Stored]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {urn: Stored(**fields) for urn, fields in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ProvisionError(f"{path} is not a state file: {error}") from error
