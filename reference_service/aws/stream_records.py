"""Lambda events of the DynamoDB stream and of the Kinesis log, decoded record by record.

A record that can't be decoded still carries its partition key, so that its stream alone is parked.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from reference_service.aws.items import from_item
from reference_service.cqrs.change import Change
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.projection import Delivery
from reference_service.cqrs.relay import decode_entry
from reference_service.schemas import Undecodable
from reference_service.tables import EVENTS

assert EVENTS.sort
STREAM, COMMIT = EVENTS.partition.name, EVENTS.sort.name


def changes(event: Mapping[str, Any]) -> list[Change]:
    """The changes in an event of the DynamoDB stream (NEW_AND_OLD_IMAGES)."""
    return [_change(record) for record in event["Records"]]


def deliveries(event: Mapping[str, Any]) -> list[Delivery]:
    """The deliveries in an event of the Kinesis log."""
    return [_delivery(record["kinesis"]) for record in event["Records"]]


def _change(record: Mapping[str, Any]) -> Change:
    body = record["dynamodb"]
    keys = body["Keys"]
    commit: Commit | None = None
    fault: str | None = None
    if record["eventName"] == "INSERT":
        try:
            commit = from_item(body.get("NewImage", {}))
        except Undecodable as undecodable:
            fault = undecodable.reason
    return Change(
        id=body["SequenceNumber"],
        kind=record["eventName"],
        stream=keys[STREAM]["S"],
        number=int(keys[COMMIT]["N"]),
        record=json.dumps(record).encode(),
        commit=commit,
        fault=fault,
    )


def _delivery(record: Mapping[str, Any]) -> Delivery:
    stream, sequence_number = record["partitionKey"], record["sequenceNumber"]
    try:
        commits = decode_entry(base64.b64decode(record["data"], validate=True))
    except (ValueError, msgspec.MsgspecError) as fault:
        return Delivery(id=sequence_number, stream=stream, fault=str(fault))
    if any(commit.stream != stream for commit in commits):
        return Delivery(id=sequence_number, stream=stream, fault="holds another stream's commit")
    return Delivery(id=sequence_number, stream=stream, commits=commits)


def failed_batch(record: bytes) -> tuple[str, list[str]]:
    """The function's name and the streams of an on-failure record that a mapping left in S3.

    Source: "Retaining discarded records" of Lambda's stream mappings: requestContext.functionArn,
    and in S3 the whole event as JSON text in `payload`. Raises Undecodable.
    """
    try:
        invocation = json.loads(record)
        function = invocation["requestContext"]["functionArn"].split(":function:")[1].split(":")[0]
        records = json.loads(invocation["payload"])["Records"]
        streams = [_stream(one) for one in records]
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        raise Undecodable(f"no on-failure record with its payload: {fault!r}") from fault
    return function, list(dict.fromkeys(streams))


def _stream(record: Mapping[str, Any]) -> str:
    if "kinesis" in record:
        return str(record["kinesis"]["partitionKey"])
    return str(record["dynamodb"]["Keys"][STREAM]["S"])
