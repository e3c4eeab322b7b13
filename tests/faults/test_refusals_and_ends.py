"""Calls that are taken in part or not at all, and callers that end in the middle."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bitacora.audit.until import until
from bitacora.faults import EndCaller, FaultProxy, PartlyRefuse, Rule, Throttle
from tests.emulator import Emulator
from tests.faults.test_lost_answers_of_the_cloud import through

LOG, BUS, TABLE = "faults-log", "faults-bus", "faults-ends"
PROGRAM = """
    import sys, boto3
    client = boto3.client("dynamodb", endpoint_url=sys.argv[1], region_name="us-east-1",
                          aws_access_key_id="test", aws_secret_access_key="test")
    client.put_item(TableName=sys.argv[2], Item={"id": {"S": "1"}})
    print("went on")
"""


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[FaultProxy]:
    with FaultProxy(lambda: emulator.endpoint) as running:
        yield running


@pytest.fixture(scope="module")
def log(emulator: Emulator) -> str:
    kinesis = emulator.client("kinesis")
    kinesis.create_stream(StreamName=LOG, ShardCount=1)
    until(
        "the log is there",
        lambda: kinesis.describe_stream_summary(StreamName=LOG),
        lambda told: told["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE",
        at_most_s=20,
    )
    return LOG


def held(emulator: Emulator) -> list[bytes]:
    kinesis = emulator.client("kinesis")
    [shard] = kinesis.list_shards(StreamName=LOG)["Shards"]
    start = kinesis.get_shard_iterator(
        StreamName=LOG, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    return [record["Data"] for record in records]


@pytest.mark.parametrize("seed", range(4))
def test_some_records_of_a_call_are_refused_and_the_others_are_there(
    proxy: FaultProxy, emulator: Emulator, log: str, seed: int
) -> None:
    proxy.inject(Rule(fault=PartlyRefuse(), service="kinesis", operation="PutRecords", seed=seed))
    records = [{"Data": f"{seed}-{n}".encode(), "PartitionKey": str(n)} for n in range(5)]
    kinesis = through(proxy, "kinesis", attempts=1)
    answer = kinesis.put_records(StreamName=log, Records=records)
    told = answer["Records"]
    taken = [each["Data"] for each, one in zip(records, told, strict=True) if "ShardId" in one]
    refused = [one for one in told if "ErrorCode" in one]
    assert refused
    assert answer["FailedRecordCount"] == len(refused) == len(records) - len(taken)
    assert {one["ErrorCode"] for one in refused} == {"ProvisionedThroughputExceededException"}
    assert [each for each in held(emulator) if each.startswith(b"%d-" % seed)] == taken


def test_a_single_event_is_refused_whole(proxy: FaultProxy, emulator: Emulator) -> None:
    emulator.client("events").create_event_bus(Name=BUS)
    proxy.inject(Rule(fault=PartlyRefuse(), service="events", operation="PutEvents"))
    entry: Any = {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": BUS}
    events = through(proxy, "events", attempts=1)
    answer = events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "ThrottlingException"
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_a_throttled_call_has_no_effect_and_the_sdk_repeats_it(
    proxy: FaultProxy, emulator: Emulator, log: str
) -> None:
    before = len(held(emulator))
    rule = Rule(fault=Throttle(), service="kinesis", operation="PutRecord")
    struck = proxy.inject(rule)
    record: Any = {"StreamName": log, "Data": b"x", "PartitionKey": "p"}
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        through(proxy, "kinesis", attempts=1).put_record(**record)
    assert len(held(emulator)) == before
    proxy.inject(rule)
    through(proxy, "kinesis", attempts=3).put_record(**record)
    assert (struck.applied, len(held(emulator))) == (1, before + 1)


@pytest.mark.parametrize("after", [False, True])
def test_who_calls_is_ended_before_or_after_the_effect(
    proxy: FaultProxy, emulator: Emulator, after: bool
) -> None:
    dynamodb, table = emulator.client("dynamodb"), f"{TABLE}-{after}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    proxy.inject(Rule(fault=EndCaller(after), service="dynamodb", operation="PutItem"))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), proxy.url, table],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, "")
    assert dynamodb.scan(TableName=table, ConsistentRead=True)["Count"] == int(after)
