"""Public events as CloudEvents 1.0, structured JSON (contracts/envelope)."""

from collections.abc import Mapping
from typing import Any

from reference_service.cqrs.commit import Commit


def cloud_event(
    commit: Commit, index: int, source: str, content: Mapping[str, Any]
) -> dict[str, Any]:
    """The public event made of event `index` of the commit; the same on every republish.

    `content` holds the attributes that tell of the event itself: type, dataschema, data.
    """
    envelope = {
        "specversion": "1.0",
        "id": f"{commit.stream}/{commit.commit}/{index}",
        "source": source,
        "subject": commit.stream,
        "time": commit.at,
        "datacontenttype": "application/json",
        "correlationid": commit.correlation,
        "causationid": commit.command_id,
    }
    if commit.traceparent:
        envelope["traceparent"] = commit.traceparent
    return {**envelope, **content}
