"""Confirmed orders → shipments."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reference_service import bootstrap
from reference_service.cqrs.commit import timestamp
from reference_service.fulfilling import fulfil
from reference_service.functions.queue import consume_events
from reference_service.settings import FulfilmentSettings

service = bootstrap.fulfilment(FulfilmentSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return consume_events("fulfilment", event, service.schemas, _fulfil)


def _fulfil(cloud_event: dict[str, Any]) -> str:
    return fulfil(service, cloud_event, timestamp(datetime.now(UTC)))
