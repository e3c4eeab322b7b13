"""Queued commands: ShipmentDispatched, a fact from fulfilment, becomes ShipOrder."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.functions.queue import consume_events
from reference_service.settings import CommandWorkerSettings
from reference_service.shipping import ship

orders = bootstrap.command_worker(CommandWorkerSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return consume_events("command-worker", event, orders.schemas, _ship)


def _ship(cloud_event: dict[str, Any]) -> str:
    return ship(orders.execute, cloud_event)
