"""Events of an order to the body of a commit and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from reference_service.event_codec import EventCodec, Events
from reference_service.order.events import OLDEST_READERS, VERSIONS, Event
from reference_service.order.versions import DOWNCASTERS, UPCASTERS
from reference_service.schemas import Schemas

EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


class OrderCodec(EventCodec[Event]):
    """`versions` are the newest that are known, `oldest_readers` how far back each can be read."""

    def __init__(
        self,
        schemas: Schemas,
        writes: Mapping[str, int] = VERSIONS,
        versions: Mapping[str, int] = VERSIONS,
        oldest_readers: Mapping[tuple[str, int], int] = OLDEST_READERS,
    ) -> None:
        known = Events(
            types=EVENTS,
            versions=versions,
            oldest_readers=oldest_readers,
            upcasters=UPCASTERS,
            downcasters=DOWNCASTERS,
        )
        super().__init__(schemas, known, writes)
