"""What exists: resources.jsonl, a line for each resource that was made or changed, newest last.

Inputs are kept as digests, one per input: a refusal can name what changed, and no secret is stored.
A line is written after each resource, so an interrupted run goes on where it stopped; one that was
cut off in the middle is as if it had not been written.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import START_AGAIN


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
        self._resources, self._end = _read(path)

    @property
    def resources(self) -> Mapping[str, Stored]:
        return MappingProxyType(self._resources)

    def put(self, urn: str, stored: Stored) -> None:
        line = f"{json.dumps({urn: asdict(stored)})}\n".encode()
        with self._lock:
            with open(self.path, "wb", opener=_for_its_owner) as file:
                file.seek(self._end)
                file.write(line)
                file.truncate()
            self._resources[urn] = stored
            self._end += len(line)


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


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, mode=0o600)


def _read(path: Path) -> tuple[dict[str, Stored], int]:
    """The resources, and where the last whole line ends."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}, 0
    end = content.rfind(b"\n") + 1
    resources: dict[str, Stored] = {}
    try:
        for line in content[:end].splitlines():
            [(urn, fields)] = json.loads(line).items()
            resources[urn] = Stored(**fields)
    except (ValueError, TypeError, AttributeError) as error:
        raise ProvisionError(
            f"{path} is not a state file: {error}.\nStart again with an empty environment:"
            f" {START_AGAIN}"
        ) from error
    return resources, end
