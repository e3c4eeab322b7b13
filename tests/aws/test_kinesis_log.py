"""The log on Kinesis: what was not confirmed entry by entry is never taken for done."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from bitacora.faults import FaultProxy, LoseAnswer, Rule
from reference_service.aws.kinesis_log import KinesisLog
from reference_service.cqrs.heartbeat import days, shard_of
from tests.emulator import REGION, Emulator

STREAM = "log-under-test"


@pytest.fixture(scope="module")
def stream(emulator: Emulator) -> str:
    emulator.client("kinesis").create_stream(StreamName=STREAM, ShardCount=1)
    return STREAM


@pytest.fixture
def calls(emulator: Emulator) -> Iterator[list[dict[str, Any]]]:
    """The PutRecords calls made meanwhile."""
    made: list[dict[str, Any]] = []
    events = emulator.client("kinesis").meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        made.append(params)

    events.register("provide-client-params.kinesis.PutRecords", note)
    yield made
    events.unregister("provide-client-params.kinesis.PutRecords", note)


@pytest.fixture
def log(emulator: Emulator, stream: str) -> KinesisLog:
    return KinesisLog(emulator.client("kinesis"), stream)


def records(emulator: Emulator, prefix: str) -> list[tuple[str, bytes]]:
    kinesis = emulator.client("kinesis")
    (shard,) = kinesis.list_shards(StreamName=STREAM)["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[tuple[str, bytes]] = []
    for _ in range(50):
        page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
        found += [(record["PartitionKey"], record["Data"]) for record in page["Records"]]
        if page["MillisBehindLatest"] == 0 and not page["Records"]:
            break
        iterator = page["NextShardIterator"]
    return [record for record in found if record[0].startswith(prefix)]


def test_entries_are_kept_with_their_keys(log: KinesisLog, emulator: Emulator) -> None:
    run = uuid4().hex
    entries = [(f"{run}-{n}", json.dumps(n).encode()) for n in range(3)]
    assert log.put(entries) == [True] * 3
    assert records(emulator, run) == entries


def test_a_call_holds_at_most_500_entries(log: KinesisLog, calls: list[dict[str, Any]]) -> None:
    run = uuid4().hex
    assert log.put([(f"{run}-{n}", b"1") for n in range(1001)]) == [True] * 1001
    assert [len(call["Records"]) for call in calls] == [500, 500, 1]


def test_a_call_holds_at_most_5_mb(log: KinesisLog, calls: list[dict[str, Any]]) -> None:
    run = uuid4().hex
    assert log.put([(f"{run}-{n}", b"x" * 900_000) for n in range(7)]) == [True] * 7
    assert [len(call["Records"]) for call in calls] == [5, 2]


def test_an_entry_beyond_a_record_is_refused_before_anything_is_sent(
    log: KinesisLog, calls: list[dict[str, Any]]
) -> None:
    with pytest.raises(ValueError, match="too-large"):
        log.put([("fits", b"1"), ("too-large", b"x" * 1024 * 1024)])
    assert calls == []


def test_nothing_to_put_is_no_call(log: KinesisLog, calls: list[dict[str, Any]]) -> None:
    assert log.put([]) == []
    assert calls == []


def test_a_call_without_an_answer_is_unconfirmed_and_so_is_what_follows(
    emulator: Emulator, stream: str
) -> None:
    run = uuid4().hex
    with FaultProxy(lambda: emulator.endpoint) as proxy:
        client = boto3.client(
            "kinesis",
            endpoint_url=proxy.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )
        proxy.inject(Rule(fault=LoseAnswer(), service="kinesis", operation="PutRecords"))
        confirmed = KinesisLog(client, stream).put([(f"{run}-{n}", b"1") for n in range(600)])
        assert confirmed == [False] * 600
        assert proxy.seen("kinesis", "PutRecords") == 1
    assert len(records(emulator, run)) == 500  # they may be there all the same


def test_an_entry_refused_within_a_call_is_told(emulator: Emulator, stream: str) -> None:
    """The emulator never refuses one, so its answer is altered on the way as the API describes."""
    client = boto3.client(
        "kinesis",
        endpoint_url=emulator.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def refuse_second(parsed: dict[str, Any], **_: Any) -> None:
        parsed["FailedRecordCount"] = 1
        parsed["Records"][1] = {
            "ErrorCode": "ProvisionedThroughputExceededException",
            "ErrorMessage": "Rate exceeded",
        }

    client.meta.events.register("after-call.kinesis.PutRecords", refuse_second)
    assert KinesisLog(client, stream).put([("a", b"1"), ("b", b"2"), ("c", b"3")]) == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_every_shard_takes_its_own_heartbeat(emulator: Emulator, shards: int) -> None:
    kinesis, name = emulator.client("kinesis"), f"heartbeats-{shards}"
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    for streams in days(shards, date(2026, 11, 25)):
        assert all(KinesisLog(kinesis, name).put([(stream, b"beat") for stream in streams]))
    found = sorted(kinesis.list_shards(StreamName=name)["Shards"], key=_starting_hash_key)
    for number, shard in enumerate(found):
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        taken = kinesis.get_records(ShardIterator=iterator)["Records"]
        assert [shard_of(record["PartitionKey"]) for record in taken] == [number] * 2


def _starting_hash_key(shard: dict[str, Any]) -> int:
    return int(shard["HashKeyRange"]["StartingHashKey"])
