"""The answer of a stream or queue handler whose mapping has ReportBatchItemFailures."""

from collections.abc import Iterable
from typing import Any


def batch_item_failures(ids: Iterable[str]) -> dict[str, Any]:
    """`ids`: sequence numbers of stream records, message ids of queue messages."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in ids]}
