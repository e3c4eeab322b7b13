"""The events that a function gets have AWS's format, and what a filter sees of them."""

import json
from datetime import UTC, datetime

from bitacora.delivery.records import (
    dynamodb_event,
    dynamodb_record,
    event_of,
    filter_view,
    kinesis_event,
    kinesis_record,
)

LOG = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"
TABLE = "arn:aws:dynamodb:us-west-2:123456789012:table/events/stream/2026-01-01T00:00:00.000"
CHANGE = {
    "eventID": "98188091d59b5b7c4e311ca98144b97d",
    "eventName": "REMOVE",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "awsRegion": "us-west-2",
    "dynamodb": {
        "ApproximateCreationDateTime": datetime(2016, 11, 29, 20, 49, tzinfo=UTC),
        "Keys": {"stream": {"S": "order-1"}, "commit": {"N": "3"}},
        "OldImage": {
            "hash": {"B": b"\x00\xff"},
            "tags": {"BS": [b"a", b"b"]},
            "ok": {"NULL": True},
        },
        "SequenceNumber": "1100000000000136137170",
        "SizeBytes": 27,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
    "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
}


def test_a_kinesis_record_looks_as_in_the_developer_guide() -> None:
    record = {
        "SequenceNumber": "49590338271490256608559692538361571095921575989136588898",
        "ApproximateArrivalTimestamp": datetime.fromtimestamp(1545084650.987, UTC),
        "Data": b"Hello, this is a test.",
        "PartitionKey": "1",
    }
    role = "arn:aws:iam::123456789012:role/lambda-role"
    event = kinesis_event(record, "shardId-000000000006", LOG, role)
    assert event == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
            "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": "us-east-2",
        "eventSourceARN": LOG,
    }
    assert kinesis_record(event).key == "1"
    assert json.loads(event_of([kinesis_record(event)] * 2)) == {"Records": [event] * 2}


def test_a_dynamodb_record_looks_as_in_the_developer_guide() -> None:
    event = dynamodb_event(CHANGE, TABLE)
    record = dynamodb_record(event)
    assert json.loads(record.body) == {
        "eventID": "98188091d59b5b7c4e311ca98144b97d",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-west-2",
        "dynamodb": {
            "ApproximateCreationDateTime": 1480452540.0,
            "Keys": {"stream": {"S": "order-1"}, "commit": {"N": "3"}},
            "OldImage": {
                "hash": {"B": "AP8="},
                "tags": {"BS": ["YQ==", "Yg=="]},
                "ok": {"NULL": True},
            },
            "SequenceNumber": "1100000000000136137170",
            "SizeBytes": 27,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": TABLE,
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    }
    assert record.arrived == 1480452540.0


def test_order_is_kept_per_item_of_a_table() -> None:
    other = {**CHANGE, "dynamodb": {**CHANGE["dynamodb"], "SequenceNumber": "2"}}
    first, second = (dynamodb_record(dynamodb_event(change, TABLE)) for change in (CHANGE, other))
    assert first.key == second.key
    elsewhere = {**CHANGE["dynamodb"], "Keys": {"stream": {"S": "order-1"}, "commit": {"N": "4"}}}
    third = dynamodb_record(dynamodb_event({**CHANGE, "dynamodb": elsewhere}, TABLE))
    assert third.key != first.key


def test_a_filter_sees_kinesis_data_decoded_and_binary_attributes_as_base64() -> None:
    def view(data: bytes) -> object:
        moment = datetime.fromtimestamp(1, UTC)
        names = ("SequenceNumber", "ApproximateArrivalTimestamp", "Data", "PartitionKey")
        record = dict(zip(names, ("1", moment, data, "k"), strict=True))
        return filter_view(kinesis_event(record, "shard", LOG, "role"))

    assert view(b'{"City": "Seattle"}') == {"data": {"City": "Seattle"}}
    assert view(b"plain text") == {"data": "plain text"}
    image = filter_view(dynamodb_event(CHANGE, TABLE))["dynamodb"]["OldImage"]
    assert image["hash"] == {"B": "AP8="}
