"""The proxy between the AWS SDK and the embedded cloud."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from bitacora.faults import FaultProxy, LoseAnswer, Rule
from reference_service.tables import EVENTS
from tests.emulator import REGION, Emulator

TABLE = "faults-events"
FIRST = {"stream": {"S": "order-1"}, "commit": {"N": "1"}}
FIRST_ITEM = FIRST | {"commit_id": {"S": "c1"}}
ONLY_NEW = "attribute_not_exists(commit_id)"


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    emulator.create_table(TABLE, EVENTS)
    return TABLE


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[FaultProxy]:
    with FaultProxy(lambda: emulator.endpoint) as running:
        yield running


def through(proxy: FaultProxy, service: str, attempts: int) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=proxy.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )


def test_a_put_whose_answer_is_lost_is_there(
    proxy: FaultProxy, emulator: Emulator, table: str
) -> None:
    proxy.inject(Rule(fault=LoseAnswer(), service="dynamodb", operation="PutItem"))
    with pytest.raises(ConnectionClosedError):
        through(proxy, "dynamodb", attempts=1).put_item(TableName=table, Item=FIRST_ITEM)
    stored = emulator.client("dynamodb").get_item(TableName=table, Key=FIRST, ConsistentRead=True)
    assert stored["Item"] == FIRST_ITEM


def test_the_sdk_repeats_a_put_that_did_commit_and_meets_its_own_item(
    proxy: FaultProxy, table: str
) -> None:
    item = FIRST_ITEM | {"stream": {"S": "order-2"}}
    lost = proxy.inject(
        Rule(
            fault=LoseAnswer(),
            service="dynamodb",
            operation="PutItem",
            body=lambda body: b"order-2" in body,
        )
    )
    with pytest.raises(ClientError) as refused:
        through(proxy, "dynamodb", attempts=3).put_item(
            TableName=table,
            Item=item,
            ConditionExpression=ONLY_NEW,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"] == item  # type: ignore[typeddict-item]
    assert (lost.applied, proxy.seen("dynamodb", "PutItem")) == (1, 2)


def test_s3_uploads_pass_with_and_without_a_lost_answer(
    proxy: FaultProxy, emulator: Emulator
) -> None:
    emulator.client("s3").create_bucket(Bucket="faults")
    body = bytes(range(256)) * 4096
    proxy.inject(Rule(fault=LoseAnswer(), service="s3", operation="PUT /faults/lost"))
    s3 = through(proxy, "s3", attempts=1)
    s3.put_object(Bucket="faults", Key="kept", Body=body)
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="faults", Key="lost", Body=body)
    found = [s3.get_object(Bucket="faults", Key=key)["Body"].read() for key in ("kept", "lost")]
    assert found == [body, body]
