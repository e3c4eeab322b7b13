"""The log on Kinesis."""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reference_service.aws.faults import is_transient

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

# Quotas of PutRecords; a call's size counts data and partition keys.
CALL_RECORDS = 500
CALL_BYTES = 5 * 1024 * 1024
RECORD_BYTES = 1024 * 1024

logger = logging.getLogger(__name__)
Entry = tuple[str, bytes]


class KinesisLog:
    def __init__(self, client: "KinesisClient", stream: str) -> None:
        self._client = client
        self._stream = stream

    def put(self, entries: Sequence[Entry]) -> list[bool]:
        """Raises ValueError for an entry beyond the limit of a record: nothing is sent."""
        for key, data in entries:
            if _size_bytes((key, data)) > RECORD_BYTES:
                raise ValueError(f"an entry of {key} takes {len(data)} bytes")
        confirmed: list[bool] = []
        for call in _calls(entries):
            try:
                confirmed += self._put(call)
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("log: %s entries unconfirmed: %s", len(call), error)
                break  # what is down for one call is down for the next
        return confirmed + [False] * (len(entries) - len(confirmed))

    def _put(self, call: Sequence[Entry]) -> list[bool]:
        answer = self._client.put_records(
            StreamName=self._stream,
            Records=[{"PartitionKey": key, "Data": data} for key, data in call],
        )
        codes = [result.get("ErrorCode") for result in answer["Records"]]
        if any(codes):
            logger.warning("log: refused with %s", sorted({code for code in codes if code}))
        return [code is None for code in codes]


def _size_bytes(entry: Entry) -> int:
    return len(entry[0].encode()) + len(entry[1])


def _calls(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    call: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        size_bytes += _size_bytes(entry)
        if call and (len(call) == CALL_RECORDS or size_bytes > CALL_BYTES):
            yield call
            call, size_bytes = [], _size_bytes(entry)
        call.append(entry)
    if call:
        yield call
