"""What a dead letter holds: a public event, a notice of a failed batch, or an invocation.

EventBridge and SNS may put what they could not hand over into a queue as it stood with them: the
event with its own envelope, the message in a notification.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bitacora.recovery.letters import Letter

# Message attributes in which SNS and EventBridge say why. Sources: "Amazon SNS dead-letter queues",
# "Using dead-letter queues to process undelivered events in EventBridge".
REASONS = ("ERROR_CODE", "ERROR_MESSAGE", "ErrorCode", "ErrorMessage")


@dataclass(frozen=True)
class Content:
    """`kind` is an event's type or what else it is, `id` its own id, `about` its stream or ""."""

    kind: str
    id: str = ""
    about: str = ""


def content(letter: Letter) -> Content:
    """What it is, without what it says."""
    match decoded(letter):
        case {"specversion": str(), "type": str(kind), "id": str(event_id), "subject": str(about)}:
            return Content(kind, event_id, about)
        case {"Records": [{"s3": {"object": {"key": str(key)}}}, *_]}:
            return Content("failed stream batch", key)
        case {"requestPayload": payload, "requestContext": context}:
            return Content(f"failed invocation: {_asked(payload)}", context.get("requestId", ""))
        case {"operation": str(operation)}:
            return Content(f"invocation: {operation}")
        case {"detail-type": str(kind), "id": str(event_id)}:
            return Content(kind, event_id)
        case _:
            return Content("unreadable")


def reasons(letter: Letter) -> str:
    """Why it could not be handed over, as far as who moved it here says so."""
    return ", ".join(text for name in REASONS if (text := letter.said(name)))


def decoded(letter: Letter) -> Any:
    """The JSON in it, out of the envelope of EventBridge or SNS; None when it is none."""
    try:
        return json.loads(plain(letter))
    except ValueError:
        return None


def plain(letter: Letter) -> str:
    """The body as the consumer of its queue would have got it."""
    try:
        body = json.loads(letter.body)
    except ValueError:
        return letter.body
    match body:
        case {"Type": "Notification", "TopicArn": str(), "Message": str(message)}:
            return message
        case {"detail-type": str(), "detail": {"specversion": str()} as event}:
            return json.dumps(event)
        case _:
            return letter.body


def _asked(payload: Any) -> str:
    return str(payload.get("operation", "?")) if isinstance(payload, Mapping) else "?"
