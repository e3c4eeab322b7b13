"""What bootstrap.py composes, over the cloud in memory: every function of the service."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Any, TypeAlias

import msgspec

from bitacora.simulation.cloud.calls import Calls
from bitacora.simulation.cloud.dynamodb import DynamoDB, Stored
from bitacora.simulation.cloud.messages import EventBridge, Queue, routes
from bitacora.simulation.cloud.s3 import S3
from bitacora.simulation.cloud.stream import ChangeStream, Kinesis
from bitacora.simulation.faults import Fault
from bitacora.simulation.observed import Recorder
from bitacora.simulation.parts import Parts
from bitacora.simulation.scheduler import Scheduler
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.s3_objects import S3Evidence
from reference_service.aws.sqs_messages import messages
from reference_service.aws.stream_records import changes, deliveries, failed_batch
from reference_service.bootstrap import APPEND_DEADLINE_S
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.execution import Outcome, Request
from reference_service.cqrs.projection import Position
from reference_service.cqrs.snapshot import Snapshots
from reference_service.cqrs.store import Unavailable
from reference_service.order.commands import Command
from reference_service.order.kept_state import KeptOrders
from reference_service.order.rejections import Rejection
from reference_service.order.state import Order
from reference_service.order.status import OrderStatus
from reference_service.public_writer import PublicWriter
from reference_service.schemas import CONTRACTS, Schemas, Undecodable, received
from reference_service.tables import EVENTS, ORDER_STATUS, PARKED, SHIPMENTS, SNAPSHOTS

OrderRequest: TypeAlias = Request[Command]
OrderOutcome: TypeAlias = Outcome[Order, Rejection]
SKEWS_MS = (-3_600_000, -700, 900, 3_600_000)
CONSUMERS = ("fulfilment", "order-commands", "ledger")


@cache
def schemas() -> Schemas:
    """Read and compiled once for all histories."""
    return Schemas.load()


@cache
def codec(make: Callable[..., Any]) -> Any:
    return make(schemas())


@cache
def writer() -> PublicWriter:
    return PublicWriter(schemas())


@cache
def topology() -> dict[str, tuple[str, ...]]:
    """Which of the queues here each public event goes to."""
    told = routes((CONTRACTS / "topology.json").read_bytes())
    return {kind: tuple(q for q in queues if q in CONSUMERS) for kind, queues in told.items()}


class Cloud:
    """The stores of one history."""

    def __init__(self, calls: Calls, scheduler: Scheduler, shards: int = 1) -> None:
        self.changes = ChangeStream(calls, lambda: scheduler.now_ms)
        self.tables = {
            "events": Stored(EVENTS, self.changes),
            "shipments": Stored(SHIPMENTS),
            "parked": Stored(PARKED),
            "order-status": Stored(ORDER_STATUS),
            "snapshots": Stored(SNAPSHOTS),
        }
        self.queues = {name: Queue(name) for name in CONSUMERS}
        self.dynamodb: Any = DynamoDB(calls, self.tables)
        self.kinesis: Any = Kinesis(calls, lambda: scheduler.now_ms, shards)
        self.events: Any = EventBridge(calls, topology(), self.queues)
        self.s3: Any = S3(calls)


class Service:
    """The functions, each as its file in functions/ has it: an event in, an answer out."""

    def __init__(
        self,
        parts: Parts,
        cloud: Cloud,
        calls: Calls,
        scheduler: Scheduler,
        recorder: Recorder,
        snapshots: int,
    ) -> None:
        self._parts = parts
        self._codec = codec(parts.codec)
        self._recorder = recorder
        self._cloud = cloud
        self._calls = calls
        self._scheduler = scheduler
        self._ids = 0
        self.store = parts.event_store(
            cloud.dynamodb,
            "events",
            append_deadline_s=APPEND_DEADLINE_S,
            clock=scheduler.seconds,
            pause=scheduler.sleep,
        )
        self._snapshots = (
            Snapshots(parts.snapshots(cloud.dynamodb, "snapshots"), KeptOrders(), snapshots)
            if snapshots
            else None
        )
        self.orders_model = parts.orders_model(calls)
        self.status_model = parts.status_model(
            cloud.dynamodb,
            "order-status",
            OrderStatus,
            pause=scheduler.sleep,
            now=scheduler.utc,
            each=lambda write, advances: [write(one) for one in advances],
        )
        self.markers = parts.markers(cloud.dynamodb, "parked", scheduler.utc)

    @cached_property
    def _relay(self) -> Any:
        log = self._parts.log(self._cloud.kinesis, "log")
        return self._parts.relay(log, S3Evidence(self._cloud.s3, "evidence"), self.markers)

    @cached_property
    def publisher(self) -> Any:
        told = self._parts.public_events(schemas(), self._codec, writer())
        return self._parts.publisher(self.store, self.bus, self.markers, told)

    @cached_property
    def bus(self) -> Any:
        return self._parts.bus(self._cloud.events, "bus")

    @cached_property
    def shipments(self) -> Any:
        return self._parts.shipments(self._cloud.dynamodb, "shipments")

    @cached_property
    def schemas(self) -> Schemas:
        return schemas()

    @cached_property
    def writer(self) -> PublicWriter:
        return writer()

    @cached_property
    def projector(self) -> Any:
        project = self._parts.project_order(self._codec)
        return self._parts.projector(self.store, self.orders_model, project)

    @cached_property
    def status_projector(self) -> Any:
        project = self._parts.project_status(self._codec)
        return self._parts.projector(self.store, self.status_model, project)

    @cached_property
    def healing(self) -> Any:
        models = {"order_status": lambda: self.status_projector, "orders": lambda: self.projector}
        return self._parts.healing(models, self.publisher, self.markers)

    def execute(self, request: OrderRequest) -> OrderOutcome:
        """Raises Unavailable."""
        clock = self._clock()
        outcome: OrderOutcome = self._parts.execute(
            request,
            self.store,
            self._parts.decider,
            self._codec,
            clock,
            self._new_id,
            self._snapshots,
        )
        return outcome

    def position(self, where: str, stream: str) -> Position:
        """What a query finds in a read model. Raises Unavailable."""
        if where == "order_status":
            found: Position = self.status_model.look_up(stream)
        else:
            found = self.orders_model.positions([stream])[stream]
        return found

    def relay(self, event: dict[str, Any]) -> dict[str, Any]:
        return batch_item_failures(one.id for one in self._relay.forward(changes(event)).failed)

    def publish(self, event: dict[str, Any]) -> dict[str, Any]:
        return batch_item_failures(one.id for one in self.publisher.publish(changes(event)).failed)

    def project(self, event: dict[str, Any]) -> dict[str, Any]:
        done = self.projector.apply(deliveries(event))
        return batch_item_failures(one.id for one in done.failed)

    def project_status(self, event: dict[str, Any]) -> dict[str, Any]:
        done = self.status_projector.apply(deliveries(event))
        return batch_item_failures(one.id for one in done.failed)

    def fulfil(self, event: dict[str, Any]) -> dict[str, Any]:
        now = timestamp(self._clock()())
        return self._consume(event, partial(self._parts.fulfil, self, now=now))

    def ship(self, event: dict[str, Any]) -> dict[str, Any]:
        executed = partial(self._recorder.append, "command-worker", execute=self.execute)
        return self._consume(event, partial(self._parts.ship, executed))

    def record(self, event: dict[str, Any]) -> dict[str, Any]:
        ledger = self._parts.ledger(self._cloud.s3, "ledger")
        return self._consume(
            event, lambda told: ledger.record(told["id"], msgspec.json.encode(told))
        )

    def heal(self, failed: bytes) -> None:
        """What the operations function does about a batch that was given up. Raises Unavailable."""
        function, streams = failed_batch(failed)
        for stream in streams:
            match function:
                case "publisher":
                    self.publisher.republish(stream)
                case "projector":
                    self.healing.repaired(stream, ["orders"])
                case "status-projector":
                    self.healing.repaired(stream, ["order_status"])
                case _:
                    self.healing.repaired(stream, ["order_status", "orders"])

    def reconcile(self) -> None:
        """What the operations function does on its schedule. Raises Unavailable."""
        how = {"page": 2, "budget_s": 60.0, "clock": self._scheduler.seconds}
        for behind in (self.projector, self.status_projector, self.publisher):
            cursor = None
            while cursor := behind.reconcile(cursor, **how).cursor:
                pass

    def _consume(
        self, event: dict[str, Any], work: Callable[[dict[str, Any]], object]
    ) -> dict[str, Any]:
        """As functions/queue.py: each message alone, and what failed is reported."""
        failed = []
        for message in messages(event):
            try:
                work(received(schemas(), message.body))
            except (Unavailable, Undecodable):
                failed.append(message.id)
        return batch_item_failures(failed)

    def _clock(self) -> Callable[[], datetime]:
        """This invocation's clock, right or wrong."""
        skew_ms = 0
        if self._calls.befalls(Fault.CLOCK_SKEW, "its clock"):
            skew_ms = SKEWS_MS[self._calls.which("skew", len(SKEWS_MS))]
        return lambda: self._scheduler.utc(skew_ms)

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"
