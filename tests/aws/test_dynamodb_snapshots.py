"""Snapshots on DynamoDB: the contract, and what only a network and other writers can do to it."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bitacora.faults import FaultProxy, Refuse, Rule
from reference_service.aws.dynamodb_snapshots import DynamoDBSnapshots
from reference_service.cqrs.store import Unavailable
from reference_service.schemas import Undecodable
from reference_service.tables import SNAPSHOTS
from tests.cqrs.snapshot_store_contract import (
    SnapshotStoreContract,
    snapshot,
    stream,  # noqa: F401
)
from tests.emulator import REGION, Emulator

TABLE = "store-snapshots"


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    emulator.create_table(TABLE, SNAPSHOTS)
    return TABLE


@pytest.fixture
def direct(emulator: Emulator, table: str) -> DynamoDBSnapshots:
    return DynamoDBSnapshots(emulator.client("dynamodb"), table)


class TestDynamoDBSnapshots(SnapshotStoreContract):
    @pytest.fixture
    def kept(self, direct: DynamoDBSnapshots) -> DynamoDBSnapshots:
        return direct


def test_a_table_that_does_not_answer_is_unavailable(
    emulator: Emulator,
    table: str,
    stream: str,  # noqa: F811
) -> None:
    with FaultProxy(lambda: emulator.endpoint) as proxy:
        client: Any = boto3.client(
            "dynamodb",
            endpoint_url=proxy.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        kept = DynamoDBSnapshots(client, table)
        for operation in ("GetItem", "PutItem"):
            refused = Rule(fault=Refuse(), service="dynamodb", operation=operation, times=None)
            proxy.inject(refused)
        with pytest.raises(Unavailable, match=stream):
            kept.read(stream)
        with pytest.raises(Unavailable, match=stream):
            kept.write(snapshot(stream))


def test_a_table_that_is_not_there_is_told(emulator: Emulator, stream: str) -> None:  # noqa: F811
    with pytest.raises(ClientError):
        DynamoDBSnapshots(emulator.client("dynamodb"), "no-such-table").read(stream)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"commit": {"N": "4"}}, id="one mark short"),
        pytest.param({"hash": {"S": "text"}}, id="of another type"),
        pytest.param({"state": None}, id="incomplete"),
    ],
)
def test_an_item_that_is_no_snapshot_is_undecodable(
    emulator: Emulator,
    direct: DynamoDBSnapshots,
    stream: str,  # noqa: F811
    wrong: dict[str, Any],
) -> None:
    direct.write(snapshot(stream))
    dynamodb, key = emulator.client("dynamodb"), {"stream": {"S": stream}}
    item = dynamodb.get_item(TableName=TABLE, Key=key)["Item"] | wrong
    item = {name: value for name, value in item.items() if value is not None}
    dynamodb.put_item(TableName=TABLE, Item=item)
    with pytest.raises(Undecodable):
        direct.read(stream)
