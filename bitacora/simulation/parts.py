"""The parts that a history is made of: the service's own, unless another is put in its place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bitacora.delivery import retries
from bitacora.simulation.mapping import Follows, StreamMapping
from bitacora.simulation.read_model import PostgresInMemory
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.dynamodb_read_model import DynamoDBReadModel
from reference_service.aws.dynamodb_shipments import DynamoDBShipments
from reference_service.aws.dynamodb_snapshots import DynamoDBSnapshots
from reference_service.aws.eventbridge_bus import EventBridgeBus
from reference_service.aws.kinesis_log import KinesisLog
from reference_service.aws.parked_markers import DynamoDBParkedMarkers
from reference_service.aws.s3_objects import S3Ledger
from reference_service.bootstrap import ORDERS, project_order, project_status, public_events
from reference_service.cqrs.decider import Decider
from reference_service.cqrs.execution import execute
from reference_service.cqrs.healing import Healing
from reference_service.cqrs.projection import Projector
from reference_service.cqrs.publish import Publisher
from reference_service.cqrs.relay import Relay
from reference_service.fulfilling import fulfil
from reference_service.order.codec import OrderCodec
from reference_service.shipping import ship


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Each is called as bootstrap.py calls what stands here by default.

    So a part is replaced by composition: `Parts(relay=BrokenRelay)`. `follows` is what a stream's
    mapping does about an answer, `mapping` the whole of it; `reconciles` is whether gates are ever
    compared with heads, and batches that were given up ever looked at.
    """

    event_store: Callable[..., Any] = DynamoDBEventStore
    snapshots: Callable[..., Any] = DynamoDBSnapshots
    decider: Decider[Any, Any, Any, Any] = ORDERS
    codec: Callable[..., Any] = OrderCodec
    execute: Callable[..., Any] = execute
    log: Callable[..., Any] = KinesisLog
    relay: Callable[..., Any] = Relay
    bus: Callable[..., Any] = EventBridgeBus
    publisher: Callable[..., Any] = Publisher
    public_events: Callable[..., Any] = public_events
    markers: Callable[..., Any] = DynamoDBParkedMarkers
    healing: Callable[..., Any] = Healing
    projector: Callable[..., Any] = Projector
    orders_model: Callable[..., Any] = PostgresInMemory
    status_model: Callable[..., Any] = DynamoDBReadModel
    project_order: Callable[..., Any] = project_order
    project_status: Callable[..., Any] = project_status
    shipments: Callable[..., Any] = DynamoDBShipments
    fulfil: Callable[..., Any] = fulfil
    ship: Callable[..., Any] = ship
    ledger: Callable[..., Any] = S3Ledger
    mapping: Callable[..., StreamMapping] = StreamMapping
    follows: Follows = retries.after
    reconciles: bool = True


REAL = Parts()
