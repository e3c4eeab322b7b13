"""What fulfilment does about a public event: kept first, published then, acknowledged last."""

from collections.abc import Mapping
from typing import Any, Protocol

from reference_service.cqrs.publish import Bus
from reference_service.cqrs.store import Unavailable
from reference_service.fulfilment import shipment
from reference_service.public_writer import PublicWriter
from reference_service.schemas import InvalidEvent, Schemas, Undecodable


class Shipments(Protocol):
    def keep(self, order_id: str, record: str) -> str:
        """Keep the record (JSON text) unless there is one; the record that stands.

        Raises Unavailable; safe to repeat.
        """


class Service(Protocol):
    """What fulfilment works with."""

    @property
    def schemas(self) -> Schemas: ...
    @property
    def writer(self) -> PublicWriter: ...
    @property
    def shipments(self) -> Shipments: ...
    @property
    def bus(self) -> Bus: ...


def fulfil(service: Service, cloud_event: Mapping[str, Any], now: str) -> str:
    """The outcome: "Dispatched" or "Withheld". `now` is RFC 3339 in UTC.

    Raises Unavailable (repeat it), Undecodable (no repeat helps).
    """
    try:
        record = shipment.react(cloud_event, now, service.writer.content)
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
