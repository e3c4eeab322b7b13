"""What survives a restart: per mapping one JSON file with its request and its shards.

A file is replaced as a whole by a rename. It is not forced to disk: the streams live in a process
on the same machine, and nothing of them survives what would lose the rename.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bitacora.delivery.shards import ShardState


class UnreadableState(Exception):
    """A mapping's file can't be read; the message names it and what to do."""


class MappingFile:
    """The request and the shards' states of one mapping. Thread-safe."""

    def __init__(
        self, path: Path, request: Mapping[str, Any], shards: Mapping[str, ShardState]
    ) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._request = dict(request)
        self._shards = dict(shards)
        self._deleted = False

    @classmethod
    def create(cls, path: Path, request: Mapping[str, Any]) -> "MappingFile":
        file = cls(path, request, {})
        with file._lock:
            file._save()
        return file

    @classmethod
    def load(cls, path: Path) -> "MappingFile":
        """Raises UnreadableState."""
        try:
            content = json.loads(path.read_text())
            shards = {name: ShardState(**kept) for name, kept in content["shards"].items()}
            return cls(path, content["request"], shards)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableState(
                f"{path} holds no mapping ({error}). Remove it, or the whole environment: its "
                "mapping starts again at its starting position."
            ) from error

    @property
    def uuid(self) -> str:
        return self._path.stem

    @property
    def request(self) -> dict[str, Any]:
        return dict(self._request)

    @property
    def shards(self) -> dict[str, ShardState]:
        with self._lock:
            return dict(self._shards)

    def keep_request(self, request: Mapping[str, Any]) -> None:
        with self._lock:
            self._request = dict(request)
            self._save()

    def discover(
        self, states_after: Callable[[Mapping[str, ShardState]], dict[str, ShardState]]
    ) -> dict[str, ShardState]:
        """Replace the states by what `states_after` makes of them; no checkpoint comes between."""
        with self._lock:
            states = states_after(self._shards)
            if states != self._shards:
                self._shards = states
                self._save()
            return dict(states)

    def open(self, shard_id: str) -> None:
        self._change(shard_id, opened=True)

    def checkpoint(self, shard_id: str, sequence: str | None) -> None:
        self._change(shard_id, checkpoint=sequence)

    def restart_at_horizon(self, shard_id: str) -> None:
        """The checkpoint was trimmed from the stream: go on with the oldest record left."""
        self._change(shard_id, start="TRIM_HORIZON", since=None, checkpoint=None)

    def finish(self, shard_id: str) -> None:
        self._change(shard_id, finished=True)

    def delete(self) -> None:
        with self._lock:
            self._deleted = True
            self._path.unlink(missing_ok=True)

    def _change(self, shard_id: str, **changes: Any) -> None:
        with self._lock:
            self._shards[shard_id] = replace(self._shards[shard_id], **changes)
            self._save()

    def _save(self) -> None:
        if self._deleted:
            return
        shards = {name: asdict(state) for name, state in self._shards.items()}
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({"request": self._request, "shards": shards}, indent=1))
        draft.replace(self._path)
