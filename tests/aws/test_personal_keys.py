"""Keys of customers: one at a time, wrapped for its customer alone, and gone when destroyed."""

from itertools import count
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bitacora.faults import FaultProxy, LoseAnswer, Refuse, Rule
from reference_service.aws.personal_keys import DynamoDBPersonalKeys
from reference_service.cqrs.store import Unavailable
from reference_service.tables import PERSONAL_KEYS
from tests.emulator import REGION, Emulator

TABLE = "personal-keys-under-test"
NUMBERS = count(1)


@pytest.fixture(scope="module")
def wrapping_key(emulator: Emulator) -> str:
    emulator.create_table(TABLE, PERSONAL_KEYS)
    arn: str = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


@pytest.fixture
def keys(emulator: Emulator, wrapping_key: str) -> DynamoDBPersonalKeys:
    return over(emulator.client("dynamodb"), emulator.client("kms"), wrapping_key)


def over(dynamodb: Any, kms: Any, wrapping_key: str) -> DynamoDBPersonalKeys:
    return DynamoDBPersonalKeys(
        dynamodb, TABLE, kms, wrapping_key, lambda: f"{next(NUMBERS):012x}beyond"
    )


@pytest.fixture
def customer() -> str:
    return f"customer-{next(NUMBERS)}"


def test_a_key_is_made_once_and_found_again(keys: DynamoDBPersonalKeys, customer: str) -> None:
    assert keys.find(customer) is None
    assert keys.current(customer) is None
    made = keys.ensure(customer)
    assert len(made.secret) == 32
    assert keys.ensure(customer) == keys.find(customer) == made
    assert keys.current(customer) == made.id


def test_of_two_makers_one_wins(
    emulator: Emulator, keys: DynamoDBPersonalKeys, wrapping_key: str, customer: str
) -> None:
    """The other makes its key right after this one saw that there is none."""
    rival = over(emulator.client("dynamodb"), emulator.client("kms"), wrapping_key)

    class Slow:
        def generate_data_key(self, **asked: Any) -> Any:
            rival.ensure(customer)
            return emulator.client("kms").generate_data_key(**asked)

        def decrypt(self, **asked: Any) -> Any:
            return emulator.client("kms").decrypt(**asked)

    slow = over(emulator.client("dynamodb"), Slow(), wrapping_key)
    assert slow.ensure(customer) == rival.find(customer)


def test_a_destroyed_key_is_gone_and_the_next_one_is_another(
    keys: DynamoDBPersonalKeys, customer: str
) -> None:
    first = keys.ensure(customer)
    keys.destroy(customer, first.id)
    assert keys.find(customer) is None
    assert keys.ensure(customer) != first


def test_only_the_key_of_that_id_is_destroyed(keys: DynamoDBPersonalKeys, customer: str) -> None:
    first = keys.ensure(customer)
    keys.destroy(customer, first.id)
    keys.destroy(customer, first.id)  # nothing there is as well
    second = keys.ensure(customer)
    keys.destroy(customer, first.id)
    assert keys.find(customer) == second


def test_a_wrapped_key_opens_for_its_customer_alone(
    emulator: Emulator, keys: DynamoDBPersonalKeys, customer: str
) -> None:
    """Who can write to the table can't have another's addresses shown to themselves."""
    keys.ensure(customer)
    table = emulator.client("dynamodb")
    stolen = table.get_item(TableName=TABLE, Key={"customer_id": {"S": customer}})["Item"]
    table.put_item(TableName=TABLE, Item=stolen | {"customer_id": {"S": "thief"}})
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        keys.find("thief")


def test_the_secret_is_not_in_the_table(
    emulator: Emulator, keys: DynamoDBPersonalKeys, customer: str
) -> None:
    made = keys.ensure(customer)
    table = emulator.client("dynamodb")
    item = table.get_item(TableName=TABLE, Key={"customer_id": {"S": customer}})["Item"]
    assert item.keys() == {"customer_id", "key_id", "wrapped", "at"}
    assert made.secret not in item["wrapped"]["B"]


class TestBehindFaults:
    @pytest.fixture
    def proxy(self, emulator: Emulator) -> Any:
        with FaultProxy(lambda: emulator.endpoint) as proxy:
            yield proxy

    @pytest.fixture
    def behind(self, emulator: Emulator, proxy: FaultProxy, wrapping_key: str) -> Any:
        def client(service: str) -> Any:
            return boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=proxy.url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"mode": "standard", "total_max_attempts": 2}),
            )

        return over(client("dynamodb"), client("kms"), wrapping_key)

    def test_a_put_without_its_answer_is_found_to_be_one_s_own(
        self, proxy: FaultProxy, behind: DynamoDBPersonalKeys, customer: str
    ) -> None:
        proxy.inject(Rule(fault=LoseAnswer(), service="dynamodb", operation="PutItem"))
        made = behind.ensure(customer)
        assert proxy.seen("dynamodb", "PutItem") == 2
        assert behind.find(customer) == made

    @pytest.mark.parametrize(
        ("service", "operation"),
        [("dynamodb", "GetItem"), ("dynamodb", "PutItem"), ("kms", "GenerateDataKey")],
    )
    def test_what_does_not_answer_is_unavailable(
        self,
        proxy: FaultProxy,
        behind: DynamoDBPersonalKeys,
        customer: str,
        service: str,
        operation: str,
    ) -> None:
        proxy.inject(Rule(fault=Refuse(), service=service, operation=operation, times=None))
        with pytest.raises(Unavailable):
            behind.ensure(customer)

    def test_a_key_that_can_not_be_unwrapped_or_destroyed_now_stays(
        self, proxy: FaultProxy, behind: DynamoDBPersonalKeys, customer: str
    ) -> None:
        made = behind.ensure(customer)
        for service, operation in (("kms", "Decrypt"), ("dynamodb", "DeleteItem")):
            proxy.inject(Rule(fault=Refuse(), service=service, operation=operation, times=None))
        with pytest.raises(Unavailable):
            behind.find(customer)
        with pytest.raises(Unavailable):
            behind.destroy(customer, made.id)
        proxy.clear()
        assert behind.find(customer) == made
