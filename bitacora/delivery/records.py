"""Stream records as Lambda events hold them.

Formats: AWS Lambda developer guide, with-kinesis and with-ddb (example events). Data and binary
attributes are base64 text, times are epoch seconds.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

EVENT_OPENING = b'{"Records": ['
EVENT_CLOSING = b"]}"


@dataclass(frozen=True, slots=True)
class Record:
    """One record to deliver. `key` is what order is kept for, `arrived` epoch seconds, `body` the
    record's JSON as the event holds it (encoded once: retries and size limits reuse it)."""

    sequence: str
    key: str
    arrived: float
    body: bytes


def event_of(records: Sequence[Record]) -> bytes:
    """The payload of an invocation: {"Records": […]}."""
    return EVENT_OPENING + b", ".join(record.body for record in records) + EVENT_CLOSING


def kinesis_event(
    record: Mapping[str, Any], shard_id: str, stream_arn: str, role_arn: str
) -> dict[str, Any]:
    """A record of GetRecords (Kinesis) as Lambda hands it over."""
    sequence = record["SequenceNumber"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": sequence,
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": _seconds(record["ApproximateArrivalTimestamp"]),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role_arn,
        "awsRegion": stream_arn.split(":")[3],
        "eventSourceARN": stream_arn,
    }


def dynamodb_event(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """A record of GetRecords (DynamoDB Streams) as Lambda hands it over."""
    change = dict(record["dynamodb"])
    if "ApproximateCreationDateTime" in change:
        change["ApproximateCreationDateTime"] = _seconds(change["ApproximateCreationDateTime"])
    event = {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "awsRegion": record["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    identity = record.get("userIdentity")
    if identity:
        event["userIdentity"] = {
            "type": identity["Type"],
            "principalId": identity["PrincipalId"],
        }
    return event


def kinesis_record(event: Mapping[str, Any]) -> Record:
    """Order is kept per partition key (with-kinesis, «parallelization factor»)."""
    kinesis = event["kinesis"]
    return Record(
        sequence=kinesis["sequenceNumber"],
        key=kinesis["partitionKey"],
        arrived=kinesis["approximateArrivalTimestamp"],
        body=_encode(event),
    )


def dynamodb_record(event: Mapping[str, Any]) -> Record:
    """Order is kept per item, partition and sort key (with-ddb, «parallelization factor»)."""
    change = event["dynamodb"]
    return Record(
        sequence=change["SequenceNumber"],
        key=json.dumps(change["Keys"], sort_keys=True, default=_base64),
        arrived=change.get("ApproximateCreationDateTime", 0.0),
        body=_encode(event),
    )


def filter_view(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a filter sees: DynamoDB's record; of a Kinesis record its data, decoded.

    Data that is no JSON can't match a pattern for JSON, so that record is dropped
    (with-kinesis-filtering, «Kinesis event filtering basics»).
    """
    if "kinesis" not in event:
        # Binary attributes must look as the function would see them.
        view: dict[str, Any] = json.loads(_encode(event))
        return view
    data = base64.b64decode(event["kinesis"]["data"])
    try:
        return {"data": json.loads(data)}
    except ValueError:
        return {"data": data.decode(errors="replace")}


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)


def _encode(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, default=_base64, ensure_ascii=False).encode()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
