"""The one composition root: joins the domains, the machinery and the adapters, per function.

Adapters are imported where they are composed, so that a function loads only what it needs.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Never, TypeAlias

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.decider import Codec, Decider, fold_commits
from reference_service.cqrs.execution import Outcome, Request, execute
from reference_service.cqrs.heartbeat import Heart
from reference_service.cqrs.keys import PersonalKeys
from reference_service.cqrs.snapshot import Snapshots
from reference_service.cqrs.store import EventStore
from reference_service.customer import decider as customer_decider
from reference_service.customer.codec import CustomerCodec
from reference_service.customer.decider import Customer, ErasePersonalData
from reference_service.customer.events import Event as CustomerEvent
from reference_service.order import decider as order_decider
from reference_service.order.codec import OrderCodec
from reference_service.order.commands import Command
from reference_service.order.events import VERSIONS, Event
from reference_service.order.rejections import Rejection
from reference_service.order.state import Order
from reference_service.schemas import (
    CONTRACTS,
    InvalidEvent,
    Schemas,
    Visibility,
    event_folder,
)
from reference_service.settings import (
    AnchorSettings,
    CommandSettings,
    CommandWorkerSettings,
    ErasureSettings,
    FulfilmentSettings,
    HeartbeatSettings,
    LedgerSettings,
    MigrationSettings,
    NotifierSettings,
    OperationsSettings,
    PersonalKeysSettings,
    ProjectorSettings,
    PublisherSettings,
    QuerySettings,
    RelaySettings,
    SettingsError,
    StatusProjectorSettings,
    StatusSettings,
    WriterSettings,
    written_versions,
)

if TYPE_CHECKING:
    from reference_service.aws.audit_views import AuditViews
    from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
    from reference_service.aws.dynamodb_read_model import DynamoDBReadModel
    from reference_service.aws.dynamodb_shipments import DynamoDBShipments
    from reference_service.aws.eventbridge_bus import EventBridgeBus
    from reference_service.aws.personal_keys import DynamoDBPersonalKeys
    from reference_service.aws.postgres_queries import PostgresQueries
    from reference_service.aws.postgres_read_model import ReconcileCursors
    from reference_service.aws.read_side import ReadSide
    from reference_service.aws.s3_objects import S3FailedBatches, S3Ledger
    from reference_service.aws.sns_notifications import SNSNotifications
    from reference_service.cqrs.anchoring import Anchoring
    from reference_service.cqrs.healing import Healing, ReadModels
    from reference_service.cqrs.parking import ParkedPages
    from reference_service.cqrs.projection import Project, Projector
    from reference_service.cqrs.publish import Publisher
    from reference_service.cqrs.relay import Relay
    from reference_service.order.views import OrderSummary
    from reference_service.public_writer import PublicWriter

CUSTOMER, ORDER = "customer-", "order-"

OrderRequest: TypeAlias = Request[Command]
OrderOutcome: TypeAlias = Outcome[Order, Rejection]

ORDERS: Decider[Command, Order, Event, Rejection] = Decider(
    initial=order_decider.initial,
    admit=order_decider.admit,
    decide=order_decider.decide,
    evolve=order_decider.evolve,
)

CUSTOMERS: Decider[ErasePersonalData, Customer, CustomerEvent, Never] = Decider(
    initial=customer_decider.initial,
    admit=customer_decider.admit,
    decide=customer_decider.decide,
    evolve=customer_decider.evolve,
)

# Seconds that one attempt may take, and how many the SDK makes. A caller waits for the event
# store: load and append with their repeats end before the command function's timeout of 10 s.
PROMPT = {"connect_timeout": 1, "read_timeout": 1, "attempts": 2}
APPEND_DEADLINE_S = 2.5
# A command can do without its stream's snapshot, and must not be late for it.
HASTY = {"connect_timeout": 0.5, "read_timeout": 0.5, "attempts": 1}
# Nobody waits for the others.
PATIENT = {"connect_timeout": 2, "read_timeout": 5, "attempts": 3}
# A dead connection, a new one and a statement end before the query function's timeout of 10 s.
QUERY_WAIT_S = 3
# A migration waits this long for a server that is starting.
CONNECT_TIMEOUT_S = 90
# A batch of 6 MB is kept as escaped JSON inside JSON.
FAILED_BATCH_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Orders:
    """Orders over their event store: commands are executed, histories are folded."""

    schemas: Schemas
    store: EventStore
    codec: Codec[Event]
    snapshots: Snapshots[Order] | None = None

    def execute(self, request: OrderRequest) -> OrderOutcome:
        """A state that came from a snapshot lacks where the order is delivered."""
        return execute(request, self.store, ORDERS, self.codec, _utc_now, _new_id, self.snapshots)

    def state(self, commits: Sequence[Commit]) -> Order:
        """Raises Undecodable."""
        return fold_commits(ORDERS, self.codec, commits)


@dataclass(frozen=True)
class CommandSide:
    orders: Orders
    keys: PersonalKeys


def command(settings: CommandSettings) -> CommandSide:
    """Raises SettingsError."""
    return CommandSide(command_worker(settings), _personal_keys(settings))


def command_worker(settings: CommandWorkerSettings) -> Orders:
    """Raises SettingsError."""
    schemas = Schemas.load()
    codec = OrderCodec(schemas, writes=_versions(settings, "internal", VERSIONS))
    snapshots = _snapshots(settings)
    return Orders(schemas, _event_store(settings.events_table), codec, snapshots)


@dataclass(frozen=True)
class Erasure:
    """Customers over the event store, and their keys, which it can destroy but not read."""

    store: EventStore
    codec: Codec[CustomerEvent]
    keys: PersonalKeys

    def execute(self, request: Request[ErasePersonalData]) -> Outcome[Customer, Never]:
        return execute(request, self.store, CUSTOMERS, self.codec, _utc_now, _new_id)


def erasure(settings: ErasureSettings) -> Erasure:
    from reference_service.aws.personal_keys import DynamoDBPersonalKeys

    keys = DynamoDBPersonalKeys(_client("dynamodb", PROMPT), settings.personal_keys_table)
    return Erasure(_event_store(settings.events_table), CustomerCodec(Schemas.load()), keys)


def customer_stream(customer_id: str) -> str:
    return f"{CUSTOMER}{customer_id}"


def customer_of(stream: str) -> str | None:
    """None for a stream that is not of a customer."""
    return stream.removeprefix(CUSTOMER) if stream.startswith(CUSTOMER) else None


def heartbeat(settings: HeartbeatSettings) -> Heart:
    return Heart(_event_store(settings.events_table), settings.log_shards, _utc_now, _new_id)


def relay(settings: RelaySettings) -> "Relay":
    from reference_service.aws.kinesis_log import KinesisLog
    from reference_service.aws.parked_markers import DynamoDBParkedMarkers
    from reference_service.aws.s3_objects import S3Evidence
    from reference_service.cqrs.relay import Relay

    return Relay(
        KinesisLog(_client("kinesis"), settings.log_stream),
        S3Evidence(_deferred("s3"), settings.evidence_bucket),
        DynamoDBParkedMarkers(_deferred("dynamodb"), settings.parked_table),
    )


def publisher(settings: PublisherSettings | OperationsSettings) -> "Publisher":
    from reference_service.aws.parked_markers import DynamoDBParkedMarkers
    from reference_service.cqrs.publish import Publisher

    schemas = Schemas.load()
    return Publisher(
        _event_store(settings.events_table),
        _bus(settings.bus_name),
        DynamoDBParkedMarkers(_deferred("dynamodb"), settings.parked_table),
        public_events(schemas, OrderCodec(schemas), public_writer(schemas, settings)),
    )


@dataclass(frozen=True)
class QuerySide:
    queries: "PostgresQueries"
    orders: Orders
    keys: PersonalKeys

    def row_at(self, commits: Sequence[Commit], version: int) -> "OrderSummary | None":
        """The order as its events up to that version leave it, by the projection's own rule.

        `commits` end with the one that led to the version, which may lie within it; None without
        commits. Raises Undecodable.
        """
        from reference_service.order.views import project

        row = None
        for commit in commits:
            events = self.orders.codec.decode(commit.body)[: version - commit.first + 1]
            so_far = commit.first + len(events) - 1
            row = project(row, _order_id(commit.stream), events, so_far, commit.at)
        return row


def query(settings: QuerySettings) -> QuerySide:
    from reference_service.aws.order_tables import LAYOUTS
    from reference_service.aws.postgres import Database, iam_connect
    from reference_service.aws.postgres_queries import PostgresQueries

    schemas = Schemas.load()
    store = _event_store(settings.events_table, _deferred("dynamodb", PROMPT))
    orders = Orders(schemas, store, OrderCodec(schemas))
    database = Database(iam_connect(settings, QUERY_WAIT_S))
    queries = PostgresQueries(database, LAYOUTS, settings.log_shards)
    return QuerySide(queries, orders, _personal_keys(settings))


def order_status(settings: StatusSettings) -> "DynamoDBReadModel":
    return _order_status(_client("dynamodb", PROMPT), settings.order_status_table)


def status_projector(settings: StatusProjectorSettings | OperationsSettings) -> "Projector":
    from reference_service.cqrs.projection import Projector

    client = _client("dynamodb")
    model = _order_status(client, settings.order_status_table)
    store = _event_store(settings.events_table, client)
    return Projector(store, model, project_status(OrderCodec(Schemas.load())))


@dataclass(frozen=True)
class Operations:
    """`parked` lists what each consumer parked, by its name."""

    read_side: "ReadSide"
    read_models: "ReadModels"
    publisher: "Publisher"
    healing: "Healing"
    parked: "Mapping[str, ParkedPages]"
    cursors: "ReconcileCursors"
    audit_views: "AuditViews"
    failed_batches: "S3FailedBatches"


def operations(settings: OperationsSettings) -> Operations:
    from reference_service.aws.audit_views import AuditViews
    from reference_service.aws.parked_markers import DynamoDBParkedMarkers
    from reference_service.aws.postgres_parked import parked
    from reference_service.aws.postgres_read_model import ReconcileCursors
    from reference_service.aws.s3_objects import S3FailedBatches
    from reference_service.cqrs import publish, relay
    from reference_service.cqrs.healing import Healing

    side, tell = read_side(settings), publisher(settings)
    status = status_projector(settings)
    status_model = _order_status(_deferred("dynamodb"), settings.order_status_table)
    # First what needs no database.
    read_models = {"order_status": lambda: status, "orders": side.projector}
    markers = DynamoDBParkedMarkers(_deferred("dynamodb"), settings.parked_table)
    return Operations(
        side,
        read_models,
        tell,
        Healing(read_models, tell, markers),
        {
            "order_status": partial(status_model.parked, "order_status"),
            "orders": lambda *page: parked(side.database, side.live(), "orders", *page),
            relay.CONSUMER: partial(markers.parked, relay.CONSUMER),
            publish.CONSUMER: partial(markers.parked, publish.CONSUMER),
        },
        ReconcileCursors(side.database),
        AuditViews(side.database),
        S3FailedBatches(
            _client("s3"), settings.failures_bucket, limit_bytes=FAILED_BATCH_LIMIT_BYTES
        ),
    )


def migration(settings: MigrationSettings) -> Callable[[], list[str]]:
    """Applies the migrations with the master password; the names of what was made."""
    from reference_service.aws.migration import migrate
    from reference_service.aws.order_tables import LAYOUTS
    from reference_service.aws.postgres import connect_within, master_connect

    connect = master_connect(settings, _client("secretsmanager"))

    def run() -> list[str]:
        with connect_within(connect, CONNECT_TIMEOUT_S) as connection:
            return migrate(connection, LAYOUTS)

    return run


@dataclass(frozen=True)
class Fulfilment:
    schemas: Schemas
    writer: "PublicWriter"
    shipments: "DynamoDBShipments"
    bus: "EventBridgeBus"


def fulfilment(settings: FulfilmentSettings) -> Fulfilment:
    from reference_service.aws.dynamodb_shipments import DynamoDBShipments

    shipments = DynamoDBShipments(_client("dynamodb"), settings.shipments_table)
    schemas = Schemas.load()
    writer = public_writer(schemas, settings)
    return Fulfilment(schemas, writer, shipments, _bus(settings.bus_name))


@dataclass(frozen=True)
class Notifier:
    schemas: Schemas
    notifications: "SNSNotifications"


def notifier(settings: NotifierSettings) -> Notifier:
    from reference_service.aws.sns_notifications import SNSNotifications

    topic = SNSNotifications(_client("sns"), settings.notifications_topic_arn)
    return Notifier(Schemas.load(), topic)


@dataclass(frozen=True)
class Ledger:
    schemas: Schemas
    objects: "S3Ledger"


def ledger(settings: LedgerSettings) -> Ledger:
    from reference_service.aws.s3_objects import S3Ledger

    return Ledger(Schemas.load(), S3Ledger(_client("s3"), settings.ledger_bucket))


def anchoring(settings: AnchorSettings) -> "Anchoring":
    from reference_service.aws.s3_objects import S3Anchors
    from reference_service.cqrs.anchoring import Anchoring

    store = _event_store(settings.events_table, _client("dynamodb"))
    return Anchoring(store, S3Anchors(_client("s3"), settings.anchors_bucket), _utc_now)


def read_side(settings: ProjectorSettings | OperationsSettings) -> "ReadSide":
    from reference_service.aws.order_tables import LAYOUTS
    from reference_service.aws.postgres import Database, iam_connect
    from reference_service.aws.read_side import ReadSide

    project = project_order(OrderCodec(Schemas.load()))
    store = _event_store(settings.events_table, _deferred("dynamodb"))  # read for repairs
    projections = {version: (layout, project) for version, layout in LAYOUTS.items()}
    return ReadSide(Database(iam_connect(settings)), store, projections)


def project_order(codec: Codec[Event]) -> Callable[[Any, Commit], Any]:
    """The projection of orders: row of read_model.order_summary before → after a commit."""
    from reference_service.order.views import project

    def row_after(row: Any, commit: Commit) -> Any:
        if not is_order(commit.stream):
            return row
        events = codec.decode(commit.body)
        return project(row, _order_id(commit.stream), events, commit.version, commit.at)

    return row_after


def project_status(codec: Codec[Event]) -> "Project":
    """The projection of orders onto the items of `order_status`."""
    from reference_service.order.status import project

    def status_after(status: Any, commit: Commit) -> Any:
        if not is_order(commit.stream):
            return status
        events = codec.decode(commit.body)
        return project(status, _order_id(commit.stream), events, commit.version, commit.at)

    return status_after


def public_writer(schemas: Schemas, settings: WriterSettings) -> "PublicWriter":
    """Writes public events in the configured versions. Raises SettingsError."""
    from reference_service.public_events import VERSIONS as PUBLIC_VERSIONS
    from reference_service.public_writer import PublicWriter

    return PublicWriter(schemas, _versions(settings, "public", PUBLIC_VERSIONS))


def public_events(
    schemas: Schemas, codec: Codec[Event], writer: "PublicWriter"
) -> Callable[[Sequence[Commit], int], Iterator[list[dict[str, Any]]]]:
    """The publisher's policy: the CloudEvents of each commit, held to their contracts."""
    from reference_service.cqrs.cloud_event import cloud_event
    from reference_service.order.public import SOURCE, published

    def of_each(commits: Sequence[Commit], first: int) -> Iterator[list[dict[str, Any]]]:
        if commits and not is_order(commits[0].stream):
            yield from ([] for _ in commits[first - 1 :])
            return
        state = fold_commits(ORDERS, codec, commits[: first - 1])
        for commit in commits[first - 1 :]:
            outgoing = []
            for index, event in enumerate(codec.decode(commit.body)):
                state = order_decider.evolve(state, event)
                public = published(_order_id(commit.stream), commit.first + index, event, state)
                if public is not None:
                    told = cloud_event(commit, index, SOURCE, writer.content(public))
                    if faults := schemas.check_public(told):
                        raise InvalidEvent(told["type"], faults)
                    outgoing.append(told)
            yield outgoing

    return of_each


def _versions(
    settings: WriterSettings, visibility: Visibility, event_types: Iterable[str]
) -> dict[str, int]:
    """The configured version to write of each type, 1 where none is. Raises SettingsError."""
    written = written_versions(settings.writes, CONTRACTS)
    return {kind: written.get(event_folder(visibility, kind), 1) for kind in event_types}


def _event_store(table: str, client: Any = None) -> "DynamoDBEventStore":
    from reference_service.aws.dynamodb_event_store import DynamoDBEventStore

    client = client or _client("dynamodb", PROMPT)
    return DynamoDBEventStore(client, table, append_deadline_s=APPEND_DEADLINE_S)


def _order_status(client: Any, table: str) -> "DynamoDBReadModel":
    from reference_service.aws.dynamodb_read_model import DynamoDBReadModel
    from reference_service.order.status import OrderStatus

    return DynamoDBReadModel(client, table, OrderStatus)


def _personal_keys(settings: PersonalKeysSettings) -> "DynamoDBPersonalKeys":
    from reference_service.aws.personal_keys import DynamoDBPersonalKeys

    return DynamoDBPersonalKeys(
        _deferred("dynamodb", PROMPT),
        settings.personal_keys_table,
        _deferred("kms", PROMPT),
        settings.wrapping_key_arn,
        _new_id,
    )


def _snapshots(settings: CommandWorkerSettings) -> Snapshots[Order] | None:
    """None where they are off. Raises SettingsError."""
    if not settings.snapshot_every:
        return None
    if not settings.snapshots_table:
        raise SettingsError(f"{type(settings).__name__}: SNAPSHOTS_TABLE is missing")
    from reference_service.aws.dynamodb_snapshots import DynamoDBSnapshots
    from reference_service.order.kept_state import KeptOrders

    kept = DynamoDBSnapshots(_client("dynamodb", HASTY), settings.snapshots_table)
    return Snapshots(kept, KeptOrders(), settings.snapshot_every)


def _bus(name: str) -> "EventBridgeBus":
    from reference_service.aws.eventbridge_bus import EventBridgeBus

    return EventBridgeBus(_client("events"), name)


def _client(service: str, bounds: Mapping[str, float] = PATIENT) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,  # type: ignore[call-overload]
        config=Config(
            connect_timeout=bounds["connect_timeout"],
            read_timeout=bounds["read_timeout"],
            tcp_keepalive=True,
            retries={"mode": "standard", "total_max_attempts": int(bounds["attempts"])},
        ),
    )


def _deferred(service: str, bounds: Mapping[str, float] = PATIENT) -> Any:
    """A client for what is seldom needed."""
    from reference_service.aws.deferred import DeferredClient

    return DeferredClient(lambda: _client(service, bounds))


def is_order(stream: str) -> bool:
    """Customers' streams are told to no read model and to no other service."""
    return stream.startswith(ORDER)


def _order_id(stream: str) -> str:
    return stream.removeprefix(ORDER)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex
