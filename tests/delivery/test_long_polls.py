"""A poll that asks for it waits until something is written; every other poll answers at once."""

from threading import Timer
from typing import Any

import pytest

from bitacora.delivery.invocation import Clients
from bitacora.delivery.long_polls import WAIT_MS, waited_s
from bitacora.delivery.shards import Position
from bitacora.delivery.sources import DynamoDBSource, KinesisSource, Page, Source
from tests.delivery.stage import KinesisStream, Stage, Table

HORIZON = Position("TRIM_HORIZON")
WAIT_S = WAIT_MS / 1000


@pytest.fixture
def clients(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name, value in stage.emulator.environment().items():
        monkeypatch.setenv(name, value)
    return Clients()


@pytest.fixture(params=["kinesis", "dynamodb"])
def stream(request: pytest.FixtureRequest, stage: Stage) -> KinesisStream | Table:
    return stage.kinesis_stream() if request.param == "kinesis" else stage.table()


def source_of(stream: KinesisStream | Table, clients: Clients) -> Source:
    if isinstance(stream, KinesisStream):
        return KinesisSource(clients("kinesis"), stream.arn, "")
    return DynamoDBSource(clients("dynamodbstreams"), stream.arn)


def first_page(stream: KinesisStream | Table, clients: Clients) -> Page:
    source = source_of(stream, clients)
    (shard,) = source.shards()
    return source.read(shard.id, source.open(shard.id, HORIZON))


def test_an_idle_poll_waits_its_time_and_says_so(
    stream: KinesisStream | Table, clients: Clients
) -> None:
    page = first_page(stream, clients)
    assert page.events == []
    assert page.caught_up
    assert page.waited_s >= WAIT_S


def test_what_is_there_is_answered_at_once(stream: KinesisStream | Table, clients: Clients) -> None:
    stream.put("order-1/1")
    page = first_page(stream, clients)
    assert len(page.events) == 1
    assert page.waited_s < WAIT_S


def test_a_write_ends_the_waiting(stream: KinesisStream | Table, clients: Clients) -> None:
    source = source_of(stream, clients)
    (shard,) = source.shards()
    iterator = source.open(shard.id, HORIZON)
    writer = Timer(WAIT_S / 3, stream.put, ["order-1/1"])  # while a poll waits
    writer.start()
    page = source.read(shard.id, iterator)
    while not page.events:
        page = source.read(shard.id, page.next or iterator)
    writer.join()
    assert page.waited_s < WAIT_S


def test_the_end_of_a_shard_is_answered_at_once(stage: Stage, clients: Clients) -> None:
    log = stage.kinesis_stream()
    (parent,) = log.open_shards()
    log.split(parent)
    source = source_of(log, clients)
    page = source.read(parent["ShardId"], source.open(parent["ShardId"], HORIZON))
    assert page.next is None
    assert page.waited_s < WAIT_S


@pytest.mark.parametrize("asked", [None, "soon", "-1"])
def test_without_a_number_of_milliseconds_nobody_waits(stage: Stage, asked: str | None) -> None:
    log = stage.kinesis_stream()
    client = log.client
    (shard,) = log.open_shards()
    iterator = client.get_shard_iterator(
        StreamName=log.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]

    def ask(params: dict[str, Any], **_: Any) -> None:
        if asked:
            params["headers"]["x-bitacora-wait-ms"] = asked

    client.meta.events.register("before-call.kinesis.GetRecords", ask, unique_id="asked")
    try:
        answer = client.get_records(ShardIterator=iterator)
    finally:
        client.meta.events.unregister("before-call.kinesis.GetRecords", unique_id="asked")
    assert answer["Records"] == []
    assert waited_s(answer) == 0
