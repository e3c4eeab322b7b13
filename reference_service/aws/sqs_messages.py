"""Lambda events of an SQS queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """`id` is what to report as failed."""

    id: str
    body: str


def is_queue_event(event: Mapping[str, Any]) -> bool:
    records = event.get("Records") or [{}]
    return bool(records[0].get("eventSource") == "aws:sqs")


def messages(event: Mapping[str, Any]) -> list[Message]:
    return [Message(record["messageId"], record["body"]) for record in event["Records"]]
