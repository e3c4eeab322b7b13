"""When a batch is complete.

Rule: AWS Lambda developer guide, invocation-eventsourcemapping («Batching behavior»): a batch is
sent when the window has passed, the batch size is met or the payload reaches 6 MB.
"""

from collections.abc import Sequence
from zlib import crc32

from bitacora.delivery.records import EVENT_CLOSING, EVENT_OPENING, Record

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024


def ready(
    waiting: Sequence[Record],
    batch_size: int,
    window_s: float,
    waited_s: float,
    max_bytes: int = MAX_PAYLOAD_BYTES,
) -> int:
    """How many of the waiting records to send now; 0 while the batch still gathers.

    `waited_s` is how long the first of them has waited.
    """
    size = len(EVENT_OPENING) + len(EVENT_CLOSING)
    for count, record in enumerate(waiting):
        size += len(record.body) + 2
        # A record too large by itself goes alone: only the invocation can say so.
        if count == batch_size or (size > max_bytes and count > 0):
            return count
    if len(waiting) == batch_size or waited_s >= window_s:
        return len(waiting)
    return 0


def lane_of(record: Record, lanes: int) -> int:
    """ParallelizationFactor: records of one key always take the same lane."""
    return crc32(record.key.encode()) % lanes
