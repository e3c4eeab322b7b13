"""The read models behind the projector are one kind of thing: each keeps the contract."""

import pytest

from reference_service.aws.dynamodb_read_model import DynamoDBReadModel
from reference_service.bootstrap import project_order, project_status
from reference_service.cqrs.projection import Project
from reference_service.order.status import OrderStatus
from reference_service.tables import ORDER_STATUS
from tests.aws.orders import CODEC
from tests.cqrs.memory_read_model import InMemoryReadModel
from tests.cqrs.read_model_contract import OpenModel, ReadModelContract
from tests.database import ReadSide
from tests.emulator import Emulator

TABLE = "order-status-of-the-contract"


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    emulator.create_table(TABLE, ORDER_STATUS)
    return TABLE


class TestInMemory(ReadModelContract):
    @pytest.fixture
    def open_model(self) -> OpenModel:
        model = InMemoryReadModel()
        return lambda: model

    @pytest.fixture
    def project(self) -> Project:
        return project_order(CODEC)


class TestPostgres(ReadModelContract):
    @pytest.fixture
    def open_model(self, read_side: ReadSide) -> OpenModel:
        return read_side.model

    @pytest.fixture
    def project(self) -> Project:
        return project_order(CODEC)


class TestDynamoDB(ReadModelContract):
    @pytest.fixture
    def open_model(self, emulator: Emulator, table: str) -> OpenModel:
        return lambda: DynamoDBReadModel(emulator.client("dynamodb"), table, OrderStatus)

    @pytest.fixture
    def project(self) -> Project:
        return project_status(CODEC)
