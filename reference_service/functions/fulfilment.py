"""Confirmed orders → shipments: kept first, published then, acknowledged last."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reference_service import bootstrap
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.store import Unavailable
from reference_service.fulfilment import shipment
from reference_service.functions.queue import consume_events
from reference_service.schemas import InvalidEvent, Undecodable
from reference_service.settings import FulfilmentSettings

service = bootstrap.fulfilment(FulfilmentSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return consume_events("fulfilment", event, service.schemas, _fulfil)


def _fulfil(cloud_event: dict[str, Any]) -> str:
    try:
        record = shipment.react(cloud_event, timestamp(datetime.now(UTC)), service.writer.content)
    except shipment.UnexpectedEvent as fault:
        raise Undecodable(str(fault)) from fault
    answer = shipment.outgoing(record)
    if answer and (faults := service.schemas.check_public(answer)):
        raise Undecodable(str(InvalidEvent(answer["type"], faults)))
    kept = shipment.decode(service.shipments.keep(record.order_id, shipment.encode(record)))
    outgoing = shipment.outgoing(kept)
    if outgoing is None:
        return "Withheld"
    if service.bus.publish([outgoing]) != [True]:
        raise Unavailable(f"the bus did not confirm {outgoing['id']}")
    return "Dispatched"
