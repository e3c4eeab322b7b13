"""What a CloudEvent says of a public event: in the version that this deployment is to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from reference_service.public_events import OLDEST_READERS, VERSIONS, Event
from reference_service.schemas import Schemas, event_schema, urn


class PublicWriter:
    """Public events in their configured versions: `writes` has one for each type.

    An older version than the newest is written without the fields that it does not know.
    """

    def __init__(self, schemas: Schemas, writes: Mapping[str, int] = VERSIONS) -> None:
        self._schemas = schemas
        self._writes = writes

    def content(self, event: Event) -> dict[str, Any]:
        """The attributes type, dataschema and data; oldestreader if older readers read on."""
        kind = type(event).__name__
        version, data = self._writes[kind], msgspec.json.decode(msgspec.json.encode(event))
        name = event_schema("public", kind, version)
        if version < VERSIONS[kind]:
            data = self._schemas.pruned(name, data)
        oldest_reader = OLDEST_READERS.get((kind, version))
        readers = {"oldestreader": oldest_reader} if oldest_reader else {}
        return {"type": kind, "dataschema": urn(name), **readers, "data": data}
