"""The event store on DynamoDB: the contract, and what only a network can do to it."""

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bitacora.faults import Delay, FaultProxy, LoseAnswer, Refuse, Rule
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.store import Appended, Conflict, Unavailable, Unknown
from reference_service.schemas import Undecodable
from reference_service.tables import EVENTS
from tests.cqrs.event_store_contract import EventStoreContract, stream  # noqa: F401
from tests.cqrs.toy import chain, extended
from tests.emulator import REGION, Emulator

TABLE = "store-events"
LOST_PUT = Rule(fault=LoseAnswer(), service="dynamodb", operation="PutItem")


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    emulator.create_table(TABLE, EVENTS)
    return TABLE


@pytest.fixture
def direct(emulator: Emulator, table: str) -> DynamoDBEventStore:
    return DynamoDBEventStore(emulator.client("dynamodb"), table)


class TestDynamoDBEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, direct: DynamoDBEventStore) -> DynamoDBEventStore:
        return direct


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[FaultProxy]:
    with FaultProxy(lambda: emulator.endpoint) as running:
        yield running


def through(
    proxy: FaultProxy, table: str, *, attempts: int = 1, **bounds: Any
) -> DynamoDBEventStore:
    client = boto3.client(
        "dynamodb",
        endpoint_url=proxy.url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            connect_timeout=1,
            read_timeout=1,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )
    return DynamoDBEventStore(client, table, **bounds)


def test_a_lost_answer_is_recognised_as_committed(
    proxy: FaultProxy,
    table: str,
    stream: str,  # noqa: F811
) -> None:
    lost = proxy.inject(LOST_PUT)
    commit = extended(None, stream)
    store = through(proxy, table)
    assert store.append(commit) == Appended()
    assert lost.applied == 1
    assert proxy.seen("dynamodb", "PutItem") == 2
    assert store.load(stream) == [commit]


def test_the_sdks_own_repeat_is_recognised_too(
    proxy: FaultProxy,
    table: str,
    stream: str,  # noqa: F811
) -> None:
    lost = proxy.inject(LOST_PUT)
    assert through(proxy, table, attempts=3).append(extended(None, stream)) == Appended()
    assert lost.applied == 1


def test_a_lost_answer_to_a_lost_race_is_a_conflict(
    proxy: FaultProxy,
    table: str,
    direct: DynamoDBEventStore,
    stream: str,  # noqa: F811
) -> None:
    winner = extended(None, stream, 1, commit_id="winner")
    direct.append(winner)
    proxy.inject(LOST_PUT)
    rival = extended(None, stream, 2, commit_id="rival")
    assert through(proxy, table).append(rival) == Conflict(winner)


def test_without_any_answer_within_the_deadline_the_outcome_is_unknown(
    proxy: FaultProxy,
    table: str,
    direct: DynamoDBEventStore,
    stream: str,  # noqa: F811
) -> None:
    proxy.inject(Rule(fault=LoseAnswer(), service="dynamodb", operation="PutItem", times=None))
    commit = extended(None, stream)
    outcome = through(proxy, table, append_deadline_s=0.3).append(commit)
    assert isinstance(outcome, Unknown)
    assert outcome.reason
    assert direct.load(stream) == [commit]  # it had been done: never to be told as a refusal


def test_the_deadline_bounds_the_repeats(
    proxy: FaultProxy,
    table: str,
    stream: str,  # noqa: F811
) -> None:
    proxy.inject(Rule(fault=Refuse(), service="dynamodb", operation="PutItem", times=None))
    ticks = itertools.count(step=1.0)
    pauses: list[float] = []
    store = through(
        proxy, table, append_deadline_s=5.0, clock=lambda: next(ticks), pause=pauses.append
    )
    assert isinstance(store.append(extended(None, stream)), Unknown)
    assert pauses == [0.05, 0.1, 0.2, 0.4]


def test_a_load_that_is_not_answered_is_unavailable(
    proxy: FaultProxy,
    table: str,
    stream: str,  # noqa: F811
) -> None:
    proxy.inject(Rule(fault=Delay(1.5), service="dynamodb", operation="Query", times=None))
    with pytest.raises(Unavailable, match=stream):
        through(proxy, table).load(stream)


def test_what_no_repeat_can_heal_is_raised(emulator: Emulator) -> None:
    store = DynamoDBEventStore(emulator.client("dynamodb"), "no-such-table")
    with pytest.raises(ClientError):
        store.append(extended(None, "sum-1"))
    with pytest.raises(ClientError):
        store.load("sum-1")


def test_an_item_that_is_no_commit_is_undecodable(
    emulator: Emulator,
    direct: DynamoDBEventStore,
    stream: str,  # noqa: F811
) -> None:
    direct.append(chain(stream, 1)[0])
    emulator.client("dynamodb").put_item(
        TableName=TABLE, Item={"stream": {"S": stream}, "commit": {"N": "2"}}
    )
    with pytest.raises(Undecodable):
        direct.load(stream)


def test_loads_before_a_decision_are_strongly_consistent(
    emulator: Emulator,
    direct: DynamoDBEventStore,
    stream: str,  # noqa: F811
) -> None:
    asked: list[dict[str, Any]] = []
    events = emulator.client("dynamodb").meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params)

    events.register("provide-client-params.dynamodb.Query", note)
    try:
        direct.load(stream)
    finally:
        events.unregister("provide-client-params.dynamodb.Query", note)
    assert [params["ConsistentRead"] for params in asked] == [True]
