"""Public events as CloudEvents 1.0, structured JSON (contracts/envelope)."""

from typing import Any

from reference_service.cqrs.commit import Commit
from reference_service.schemas import event_schema, urn


def cloud_event(
    commit: Commit, index: int, source: str, event_type: str, data: dict[str, Any]
) -> dict[str, Any]:
    """The public event made of event `index` of the commit; the same on every republish."""
    envelope = {
        "specversion": "1.0",
        "id": f"{commit.stream}/{commit.commit}/{index}",
        "source": source,
        "type": event_type,
        "subject": commit.stream,
        "time": commit.at,
        "datacontenttype": "application/json",
        "dataschema": urn(event_schema("public", event_type)),
        "correlationid": commit.correlation,
        "causationid": commit.command_id,
    }
    if commit.traceparent:
        envelope["traceparent"] = commit.traceparent
    return {**envelope, "data": data}
