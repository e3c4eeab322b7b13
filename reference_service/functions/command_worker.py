"""Queued commands: ShipmentDispatched, a fact from fulfilment, becomes ShipOrder."""

import hashlib
import logging
import os
from collections.abc import Mapping
from typing import Any

import msgspec

from reference_service import bootstrap
from reference_service.cqrs import execution
from reference_service.cqrs.commit import Cause
from reference_service.cqrs.store import Unavailable
from reference_service.functions.queue import consume_events
from reference_service.order.commands import ShipOrder
from reference_service.public_events import ShipmentDispatched
from reference_service.schemas import InvalidEvent, Undecodable
from reference_service.settings import CommandWorkerSettings

orders = bootstrap.command(CommandWorkerSettings.from_environment(os.environ))
logger = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return consume_events("command-worker", event, orders.schemas, _ship)


def _ship(cloud_event: dict[str, Any]) -> str:
    request = _order_request(cloud_event)
    try:
        outcome = orders.execute(request)
    except InvalidEvent as fault:
        raise Undecodable(str(fault)) from fault
    match outcome:
        case execution.Accepted():
            return "Accepted"
        case execution.Refused(rejection):
            # A business refusal is an outcome: recorded and acknowledged, no dead letter.
            logger.warning("%s refused %s: %s", request.stream, cloud_event["id"], rejection)
            return "Refused"
        case execution.Contended() | execution.OutcomeUnknown():
            raise Unavailable(f"{request.stream}: {outcome}")
        case execution.KeyReused() | execution.TooLarge() | execution.Stale():
            raise Undecodable(f"{request.stream}: {outcome}")


def _order_request(cloud_event: Mapping[str, Any]) -> bootstrap.OrderRequest:
    if cloud_event["type"] != "ShipmentDispatched":
        raise Undecodable(f"{cloud_event['type']} is no command here")
    data = cloud_event["data"]
    dispatched = msgspec.convert(data, ShipmentDispatched, strict=False)
    return execution.Request(
        stream=f"order-{dispatched.order_id}",
        command=ShipOrder(shipment_id=dispatched.shipment_id),
        cause=Cause(
            command_id=_hash(f"event\n{cloud_event['id']}".encode()),
            fingerprint=_hash(msgspec.json.encode(data, order="sorted")),
            actor=cloud_event["source"],
            causation=cloud_event["id"],
            correlation=cloud_event["correlationid"],
            traceparent=cloud_event.get("traceparent", ""),
        ),
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
