"""Events to the body of a commit and back, held to their contracts both ways.

A body is one JSON string: [{"type": "OrderPlaced", "v": 1, "data": {...}}, ...].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from reference_service.order.events import (
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderShipped,
    PaymentReceived,
    ReturnRequested,
)
from reference_service.schemas import InvalidEvent, Schemas, Undecodable, event_schema, in_words

EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        OrderPlaced,
        PaymentReceived,
        OrderConfirmed,
        OrderShipped,
        OrderCancelled,
        ReturnRequested,
    )
}
# The version of each event's contract that is written, and the newest that is understood.
VERSIONS: dict[str, int] = dict.fromkeys(EVENTS, 1)


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    v: int
    data: dict[str, Any]


class OrderCodec:
    """Encodes and decodes the events of an order with the schemas of contracts/."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def encode(self, events: Sequence[Event]) -> str:
        """The body of a commit with these events; raises InvalidEvent."""
        entries = [_Entry(type(event).__name__, 0, msgspec.to_builtins(event)) for event in events]
        for entry in entries:
            entry.v = VERSIONS[entry.type]
            faults = self._schemas.check(event_schema("internal", entry.type, entry.v), entry.data)
            if faults:
                raise InvalidEvent(entry.type, faults)
        return msgspec.json.encode(entries).decode()

    def decode(self, body: str) -> list[Event]:
        """The events of a commit's body; raises Undecodable."""
        try:
            entries = _ENTRIES.decode(body)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
            raise Undecodable(f"the body is no list of events: {error}") from error
        if not entries:
            raise Undecodable("the body holds no event")
        return [self._event(entry) for entry in entries]

    def _event(self, entry: _Entry) -> Event:
        kind = EVENTS.get(entry.type)
        if kind is None:
            raise Undecodable(f"{entry.type} is not an event that is known here")
        known = VERSIONS[entry.type]
        if not 1 <= entry.v <= known:
            raise Undecodable(f"{entry.type} has version {entry.v}; here {known} is the newest")
        faults = self._schemas.check(event_schema("internal", entry.type, entry.v), entry.data)
        if faults:
            raise Undecodable(f"{entry.type} breaks its contract: {in_words(faults)}")
        # Not strict: JSON Schema takes 2.0 for an integer; what is none the schema has refused.
        return msgspec.convert(entry.data, kind, strict=False)


_ENTRIES = msgspec.json.Decoder(list[_Entry])
