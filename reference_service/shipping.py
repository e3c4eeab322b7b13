"""What the order service does about ShipmentDispatched, a fact from fulfilment: ShipOrder."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reference_service.cqrs import execution
from reference_service.cqrs.commit import Cause
from reference_service.cqrs.store import Unavailable
from reference_service.order.commands import Command, ShipOrder
from reference_service.order.rejections import Rejection
from reference_service.order.state import Order
from reference_service.public_events import ShipmentDispatched
from reference_service.schemas import InvalidEvent, Undecodable

logger = logging.getLogger(__name__)


def ship(
    execute: Callable[[execution.Request[Command]], execution.Outcome[Order, Rejection]],
    cloud_event: Mapping[str, Any],
) -> str:
    """The outcome: "Accepted" or "Refused". Raises Unavailable: repeat it; Undecodable: do not."""
    request = order_request(cloud_event)
    try:
        outcome = execute(request)
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


def order_request(cloud_event: Mapping[str, Any]) -> execution.Request[Command]:
    """The command's id derives from the event's, so a repeat is the same command.

    Raises Undecodable for another event.
    """
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
