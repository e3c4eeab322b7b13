"""Public events → notifications, without a personal value: whoever sends them looks those up."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.functions.queue import consume_events
from reference_service.settings import NotifierSettings

notifier = bootstrap.notifier(NotifierSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return consume_events("notifier", event, notifier.schemas, _notify)


def _notify(cloud_event: dict[str, Any]) -> str:
    notifier.notifications.publish(notification(cloud_event))
    return "Notified"


def notification(cloud_event: Mapping[str, Any]) -> dict[str, Any]:
    """Its id derives from the event's, so that a receiver recognises a repeat."""
    data = cloud_event["data"]
    return {
        "id": f"notification/{cloud_event['id']}",
        "about": cloud_event["type"],
        "time": cloud_event["time"],
        "order_id": data["order_id"],
        "customer_id": data.get("customer_id"),
        "correlationid": cloud_event["correlationid"],
        "causationid": cloud_event["id"],
    }
