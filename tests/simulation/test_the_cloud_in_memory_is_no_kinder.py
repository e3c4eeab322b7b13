"""The simulated stores keep what the real ones promise, and refuse what those refuse."""

from base64 import b64decode
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Any, ClassVar, TypeVar

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from bitacora.simulation.cloud.calls import IN_THE_CLOUD, Direct
from bitacora.simulation.cloud.dynamodb import DynamoDB, Stored
from bitacora.simulation.cloud.expressions import InvalidExpression, condition, update
from bitacora.simulation.cloud.messages import EventBridge
from bitacora.simulation.cloud.s3 import S3
from bitacora.simulation.cloud.stream import Kinesis
from bitacora.simulation.faults import Fault
from bitacora.simulation.read_model import PostgresInMemory
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.dynamodb_read_model import DynamoDBReadModel
from reference_service.aws.dynamodb_snapshots import DynamoDBSnapshots
from reference_service.bootstrap import project_order, project_status
from reference_service.cqrs.projection import Project
from reference_service.order.status import OrderStatus
from reference_service.tables import EVENTS, ORDER_STATUS, SNAPSHOTS, Table
from tests.aws.orders import CODEC
from tests.cqrs.event_store_contract import EventStoreContract, stream  # noqa: F401
from tests.cqrs.read_model_contract import OpenModel, ReadModelContract
from tests.cqrs.snapshot_store_contract import SnapshotStoreContract
from tests.emulator import Emulator
from tests.simulation.cloud_contract import Cloud, CloudContract

T = TypeVar("T")
MODELS = create_loader()


class OneAtATime(Direct):
    """The contracts use threads; a simulation has none."""

    def __init__(self) -> None:
        self._lock = Lock()

    def call(
        self,
        operation: str,
        about: str,
        effect: Callable[[], T],
        possible: tuple[Fault, ...] = IN_THE_CLOUD,
    ) -> T:
        with self._lock:
            return effect()


class Held:
    """A client whose requests are held to the API that botocore knows."""

    def __init__(self, client: Any, service: str) -> None:
        self._client = client
        self._model = ServiceModel(MODELS.load_service_model(service, "service-2"), service)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = "".join(part.title() for part in name.split("_"))
        shape = self._model.operation_model(operation).input_shape

        def call(**request: Any) -> Any:
            report = ParamValidator().validate(request, shape)
            assert not report.has_errors(), report.generate_report()
            return getattr(self._client, name)(**request)

        return call


def dynamodb(**tables: Table) -> Any:
    stored = {name: Stored(layout) for name, layout in tables.items()}
    return Held(DynamoDB(OneAtATime(), stored), "dynamodb")


class TestEventStore(EventStoreContract):
    @pytest.fixture
    def store(self) -> DynamoDBEventStore:
        return DynamoDBEventStore(dynamodb(events=EVENTS), "events")


class TestSnapshots(SnapshotStoreContract):
    @pytest.fixture
    def kept(self) -> DynamoDBSnapshots:
        return DynamoDBSnapshots(dynamodb(snapshots=SNAPSHOTS), "snapshots")


class TestOrderStatus(ReadModelContract):
    @pytest.fixture
    def open_model(self) -> OpenModel:
        client = dynamodb(status=ORDER_STATUS)
        return lambda: DynamoDBReadModel(client, "status", OrderStatus)

    @pytest.fixture
    def project(self) -> Project:
        return project_status(CODEC)


class TestOrders(ReadModelContract):
    @pytest.fixture
    def open_model(self) -> OpenModel:
        model = PostgresInMemory(OneAtATime())
        return lambda: model

    @pytest.fixture
    def project(self) -> Project:
        return project_order(CODEC)


class InMemory:
    def __init__(self) -> None:
        self._tables: dict[str, Stored] = {}
        times = count(1)
        calls = OneAtATime()
        self._kinesis = Kinesis(calls, lambda: next(times))
        self._clients: dict[str, Any] = {
            "dynamodb": DynamoDB(calls, self._tables),
            "s3": S3(calls),
            "kinesis": self._kinesis,
            "events": EventBridge(calls, {}, {}),
        }

    def client(self, service: str) -> Any:
        return Held(self._clients[service], service)

    def table(self, name: str, layout: Table) -> str:
        self._tables[name] = Stored(layout)
        return name

    def bucket(self) -> str:
        return "bucket"

    def bus(self) -> str:
        return "bus"

    def log(self) -> str:
        return "log"

    def records(self, log: str) -> list[tuple[str, bytes]]:
        [shard] = self._kinesis.logs.values()
        events = [self._kinesis.events[record.sequence]["kinesis"] for record in shard.records]
        return [(event["partitionKey"], b64decode(event["data"])) for event in events]


class Emulated:
    """What was made once stays until the end of the session: names are given once."""

    made: ClassVar[set[str]] = set()

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def client(self, service: str) -> Any:
        return self._emulator.client(service)

    def table(self, name: str, layout: Table) -> str:
        if self._first(name):
            self._emulator.create_table(name, layout)
        return name

    def bucket(self) -> str:
        if self._first("contract-bucket"):
            self.client("s3").create_bucket(Bucket="contract-bucket")
        return "contract-bucket"

    def bus(self) -> str:
        if self._first("contract-bus"):
            self.client("events").create_event_bus(Name="contract-bus")
        return "contract-bus"

    def log(self) -> str:
        kinesis = self.client("kinesis")
        if self._first("contract-log"):
            kinesis.create_stream(StreamName="contract-log", ShardCount=1)
            kinesis.get_waiter("stream_exists").wait(StreamName="contract-log")
        return "contract-log"

    def records(self, log: str) -> list[tuple[str, bytes]]:
        kinesis = self.client("kinesis")
        [shard] = kinesis.list_shards(StreamName=log)["Shards"]
        iterator = kinesis.get_shard_iterator(
            StreamName=log, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        page = kinesis.get_records(ShardIterator=iterator)
        return [(record["PartitionKey"], record["Data"]) for record in page["Records"]]

    def _first(self, name: str) -> bool:
        first = name not in self.made
        self.made.add(name)
        return first


class TestCloudInMemory(CloudContract):
    @pytest.fixture
    def cloud(self) -> Cloud:
        return InMemory()


class TestEmulator(CloudContract):
    @pytest.fixture
    def cloud(self, emulator: Emulator) -> Cloud:
        return Emulated(emulator)


@pytest.mark.parametrize(
    "text",
    [
        "begins_with(#a, :a)",
        "#a = :a AND",
        "#a ! :a",
        "NOT #a = :a",
        "#a BETWEEN :a AND :b",
        "(#a = :a",
        "a = :a",
    ],
)
def test_an_expression_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(InvalidExpression):
        condition(text)


@pytest.mark.parametrize("text", ["ADD #a :a", "SET #a = #a + :a", "SET #a = list_append(#a, :a)"])
def test_an_update_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(InvalidExpression):
        update(text)
