"""Events to the body of a commit and back, held to their contracts both ways.

A body is one JSON string: [{"type": "OrderPlaced", "v": 3, "data": {...}}, ...]. An entry says with
"r" which older version's readers can read it, when there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from reference_service.schemas import (
    Fault,
    InvalidEvent,
    Schemas,
    Undecodable,
    event_schema,
    in_words,
    readable,
)
from reference_service.struct_types import build

E = TypeVar("E", bound=msgspec.Struct)
Data: TypeAlias = dict[str, Any]
Steps: TypeAlias = Mapping[tuple[str, int], Callable[[Data], Data]]


@dataclass(frozen=True, kw_only=True)
class Events(Generic[E]):
    """The events of a domain: `types` by name, and the newest version that is known of each.

    `oldest_readers` says how far back each version can be read, upcasters and downcasters lead from
    a version to its neighbour.
    """

    types: Mapping[str, type[E]]
    versions: Mapping[str, int]
    oldest_readers: Mapping[tuple[str, int], int]
    upcasters: Steps
    downcasters: Steps


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    type: str
    v: int
    data: dict[str, Any]
    r: int | None = None


class _Newest(msgspec.Struct, Generic[E]):
    """The newest version of an event that is known, and whether it accepts its data."""

    type: type[E]
    version: int
    accepts: Callable[[Data], bool]


class EventCodec(Generic[E]):
    """Encodes and decodes the events of a domain with the schemas of contracts/.

    `writes` is the version that each event is written in, by its type.
    """

    def __init__(self, schemas: Schemas, events: Events[E], writes: Mapping[str, int]) -> None:
        self._schemas = schemas
        self._events = events
        self._writes = writes
        self._versions = events.versions
        self._names = {
            (kind, version): event_schema("internal", kind, version)
            for kind, newest in events.versions.items()
            for version in range(1, newest + 1)
        }
        self._newest: dict[str, _Newest[E]] = {}

    def encode(self, events: Sequence[E]) -> str:
        """The body of a commit with these events; raises InvalidEvent.

        An event that the version to write cannot express is as invalid as one that breaks it.
        """
        return msgspec.json.encode([self._entry(event) for event in events]).decode()

    def decode(self, body: str) -> list[E]:
        """The events of a commit's body; raises Undecodable."""
        try:
            entries = _ENTRIES.decode(body)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
            raise Undecodable(f"the body is no list of events: {error}") from error
        if not entries:
            raise Undecodable("the body holds no event")
        return [self._event(entry) for entry in entries]

    def _entry(self, event: E) -> _Entry:
        kind = type(event).__name__
        newest, version = self._versions[kind], self._writes[kind]
        data = msgspec.to_builtins(event)
        self._refuse(kind, newest, data)
        if version < newest:
            data = msgspec.json.decode(msgspec.json.encode(data))  # tuples are lists in JSON
            for newer in range(newest, version, -1):
                data = self._downcast(kind, newer, data)
            self._refuse(kind, version, data)
        return _Entry(kind, version, data, self._events.oldest_readers.get((kind, version)))

    def _downcast(self, kind: str, newer: int, data: Data) -> Data:
        """The data in the version before `newer`, without fields that are unknown to that one."""
        downcast = self._events.downcasters.get((kind, newer))
        if downcast is None:
            return self._schemas.pruned(self._names[kind, newer - 1], data)
        older = downcast(data)
        if self._events.upcasters[kind, newer - 1](older) != data:
            raise InvalidEvent(kind, (Fault("", f"cannot be expressed in version {newer - 1}"),))
        return older

    def _refuse(self, kind: str, version: int, data: Data) -> None:
        if faults := self._schemas.check(self._names[kind, version], data):
            raise InvalidEvent(kind, faults)

    def _event(self, entry: _Entry) -> E:
        newest = self._newest.get(entry.type) or self._made_ready(entry.type)
        if entry.v != newest.version or not newest.accepts(entry.data):
            return _typed(self._in_newest_version(entry, newest.version), newest.type)
        try:
            return msgspec.convert(entry.data, newest.type)
        except msgspec.ValidationError:
            return _typed(entry.data, newest.type)

    def _made_ready(self, kind: str) -> _Newest[E]:
        if kind not in self._events.types:
            raise Undecodable(f"{kind} is not an event that is known here")
        version = self._versions[kind]
        accepts = self._schemas.question(self._names[kind, version])
        build(self._events.types[kind])
        self._newest[kind] = _Newest(self._events.types[kind], version, accepts)
        return self._newest[kind]

    def _in_newest_version(self, entry: _Entry, known: int) -> Data:
        """The data of another version, or what is wrong with the entry."""
        kind, data = entry.type, entry.data
        if readable(entry.v, entry.r, known):
            self._hold(kind, known, data, reading_on=True)
            return data
        if not 1 <= entry.v <= known:
            raise Undecodable(f"{kind} has version {entry.v}; here {known} is the newest")
        self._hold(kind, entry.v, data)
        for version in range(entry.v, known):
            if upcast := self._events.upcasters.get((kind, version)):
                data = upcast(data)
        return data

    def _hold(self, kind: str, version: int, data: Data, *, reading_on: bool = False) -> None:
        """Hold the data to a version's schema."""
        name = self._names[kind, version]
        if faults := self._schemas.check(name, data, reading_on=reading_on):
            raise Undecodable(f"{kind} breaks its contract: {in_words(faults)}")


def _typed(data: Data, kind: type[E]) -> E:
    # Not strict: JSON Schema takes 2.0 for an integer; what is none the schema has refused.
    return msgspec.convert(data, kind, strict=False)


_ENTRIES = msgspec.json.Decoder(list[_Entry])
