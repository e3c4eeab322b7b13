"""The bus on EventBridge."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from reference_service.aws.faults import is_transient

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

# Quotas of PutEvents: "10 entries", "less than 1 MB in all".
CALL_ENTRIES = 10
CALL_BYTES = 1024 * 1024

logger = logging.getLogger(__name__)


class EventBridgeBus:
    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[dict[str, Any]]) -> list[bool]:
        confirmed: list[bool] = []
        for call in _calls([self._entry(event) for event in events]):
            try:
                answer = self._client.put_events(Entries=call)
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("bus: %s events unconfirmed: %s", len(call), error)
                break  # what is down for one call is down for the next
            codes = [result.get("ErrorCode") for result in answer["Entries"]]
            if any(codes):
                logger.warning("bus: refused with %s", sorted({code for code in codes if code}))
            confirmed += [code is None for code in codes]
        return confirmed + [False] * (len(events) - len(confirmed))

    def _entry(self, event: dict[str, Any]) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus,
            "Source": event["source"],
            "DetailType": event["type"],
            "Time": datetime.fromisoformat(event["time"]),
            "Detail": msgspec.json.encode(event).decode(),
        }


def _size_bytes(entry: "PutEventsRequestEntryTypeDef") -> int:
    """Source: "Calculating PutEvents event entry size": 14 bytes of time, and the texts."""
    return 14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))


def _calls(
    entries: Sequence["PutEventsRequestEntryTypeDef"],
) -> Iterator[list["PutEventsRequestEntryTypeDef"]]:
    call: list[PutEventsRequestEntryTypeDef] = []
    size_bytes = 0
    for entry in entries:
        size_bytes += _size_bytes(entry)
        if call and (len(call) == CALL_ENTRIES or size_bytes >= CALL_BYTES):
            yield call
            call, size_bytes = [], _size_bytes(entry)
        call.append(entry)
    if call:
        yield call
