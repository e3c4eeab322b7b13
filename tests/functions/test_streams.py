"""The functions on streams: what failed is reported, what is poisoned delays nobody else."""

import base64
import json

import msgspec
import pytest

from bitacora.faults import FaultProxy, Refuse, Rule
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.relay import decode_entry
from tests.aws.orders import CONFIRMED, order_commits, order_id
from tests.functions.stage import (
    VALUES,
    Stage,
    failures,
    heard,
    log_event,
    stream_event,
)

FIRST = order_commits(201, CONFIRMED[:1], CONFIRMED[1:])
SECOND = order_commits(202, CONFIRMED[:1])


def logged(stage: Stage, stream: str) -> list[int]:
    kinesis = stage.client("kinesis")
    (shard,) = kinesis.list_shards(StreamName=VALUES["LOG_STREAM"])["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=VALUES["LOG_STREAM"],
        ShardId=shard["ShardId"],
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
    return [
        commit.commit
        for record in records
        if record["PartitionKey"] == stream
        for commit in decode_entry(record["Data"])
    ]


def marker(stage: Stage, consumer: str, stream: str) -> str | None:
    item = stage.client("dynamodb").get_item(
        TableName=VALUES["PARKED_TABLE"],
        Key={"consumer": {"S": consumer}, "stream": {"S": stream}},
        ConsistentRead=True,
    )
    return item["Item"]["reason"]["S"] if "Item" in item else None


def keep(stage: Stage, *commits: object) -> None:
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    for commit in commits:
        store.append(commit)  # type: ignore[arg-type]


def test_commits_reach_the_log_in_order(stage: Stage) -> None:
    relay = stage.function("relay")
    assert failures(relay.handler(stream_event([FIRST[0], SECOND[0], FIRST[1]]), None)) == []
    assert logged(stage, FIRST[0].stream) == [1, 2]
    assert logged(stage, SECOND[0].stream) == [1]


def test_a_log_that_is_down_gives_every_record_back(stage: Stage) -> None:
    event = stream_event(FIRST)
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        relay = stage.function("relay", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="kinesis", operation="PutRecords", times=None))
        reported = failures(relay.handler(event, None))
    assert reported == [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]


def test_an_alteration_leaves_evidence_and_reaches_no_log(stage: Stage) -> None:
    commits = order_commits(203, CONFIRMED[:1])
    event = stream_event(commits, eventName="REMOVE")
    assert failures(stage.function("relay").handler(event, None)) == []
    assert logged(stage, commits[0].stream) == []
    s3 = stage.client("s3")
    listed = s3.list_objects_v2(Bucket=VALUES["EVIDENCE_BUCKET"], Prefix=commits[0].stream)
    (key,) = [found["Key"] for found in listed["Contents"]]
    kept = s3.get_object(Bucket=VALUES["EVIDENCE_BUCKET"], Key=key)["Body"].read()
    assert json.loads(kept) == event["Records"][0]


def test_an_image_that_is_no_commit_is_parked_by_its_key(stage: Stage) -> None:
    commits = order_commits(204, CONFIRMED[:1])
    event = stream_event(commits)
    del event["Records"][0]["dynamodb"]["NewImage"]["hash"]
    assert failures(stage.function("relay").handler(event, None)) == []
    assert failures(stage.function("publisher").handler(event, None)) == []
    assert "hash" in (marker(stage, "relay", commits[0].stream) or "")
    assert "hash" in (marker(stage, "publisher", commits[0].stream) or "")


def test_public_events_reach_the_bus_without_personal_values(stage: Stage) -> None:
    commits = order_commits(205, CONFIRMED[:1], CONFIRMED[1:])
    keep(stage, *commits)
    assert failures(stage.function("publisher").handler(stream_event(commits), None)) == []
    events = heard(stage.emulator, expected=2)
    stream = commits[0].stream
    assert sorted((event["id"], event["type"]) for event in events) == [
        (f"{stream}/1/0", "OrderPlaced"),
        (f"{stream}/2/1", "OrderConfirmed"),
    ]
    assert {event["causationid"] for event in events} == {"command-0", "command-1"}
    placed = CONFIRMED[0]
    assert placed.delivery is not None
    for value in msgspec.to_builtins(placed.delivery).values():
        assert len(value) < 3 or value not in json.dumps(events)


def test_a_bus_that_is_down_gives_the_records_back(stage: Stage) -> None:
    commits = order_commits(206, CONFIRMED[:1])
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        publisher = stage.function("publisher", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="events", operation="PutEvents", times=None))
        reported = failures(publisher.handler(stream_event(commits), None))
    assert reported == [f"{commits[0].stream}:1"]


def test_a_poisoned_log_record_parks_its_order_alone(stage_with_database: Stage) -> None:
    event = log_event(FIRST[:1], SECOND)
    event["Records"][0]["kinesis"]["data"] = base64.b64encode(b'{"commits": 1}').decode()
    projector = stage_with_database.function("projector")
    assert failures(projector.handler(event, None)) == []
    side = stage_with_database.read_side
    assert side is not None
    with side.connect() as admin:
        shown = admin.execute("SELECT order_id::text FROM read_model.order_summary").fetchall()
        parked = admin.execute("SELECT stream FROM read_model.parked").fetchall()
    assert shown == [(order_id(202),)]
    assert parked == [(FIRST[0].stream,)]


def test_a_record_of_another_stream_is_poison(stage_with_database: Stage) -> None:
    event = log_event(FIRST[:1])
    event["Records"][0]["kinesis"]["partitionKey"] = SECOND[0].stream
    stage_with_database.function("projector").handler(event, None)
    side = stage_with_database.read_side
    assert side is not None
    with side.connect() as admin:
        assert admin.execute("SELECT stream FROM read_model.parked").fetchall() == [
            (SECOND[0].stream,)
        ]


@pytest.mark.parametrize("name", ["relay", "publisher", "projector"])
def test_an_invocation_prints_one_line_with_its_metrics(
    stage_with_database: Stage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"shop-dev-{name}")
    function = stage_with_database.function(name)
    event = log_event(SECOND) if name == "projector" else stream_event(SECOND)
    function.handler(event, None)
    (line,) = capsys.readouterr().out.splitlines()
    printed = json.loads(line)
    metrics = printed["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert printed["Function"] == f"shop-dev-{name}"
    assert {"Failed", "Parked"} <= {metric["Name"] for metric in metrics}
    assert all(printed[metric["Name"]] >= 0 for metric in metrics)
