"""What is written to an on-failure destination, and under which key in S3.

Formats: AWS Lambda developer guide, services-dynamodb-errors and kinesis-on-failure-destination:
SQS and SNS get the metadata; S3 gets `payload` besides, the event as an escaped JSON string, under
aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>.
"""

from datetime import UTC, datetime
from typing import Any

from bitacora.delivery.mapping import Mapping
from bitacora.delivery.records import event_of
from bitacora.delivery.retries import Work

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"
INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


def failure_record(
    mapping: Mapping,
    function_arn: str,
    shard_id: str,
    work: Work,
    condition: str,
    function_error: bool,
    now: float,
    request_id: str,
) -> dict[str, Any]:
    """The JSON document for the destination. `now` is in epoch seconds."""
    first, last = work.records[0], work.records[-1]
    unit = "milliseconds" if mapping.source == "kinesis" else "seconds"
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": work.invocations,
        },
        "version": "1.0",
        "timestamp": _iso(now, "milliseconds"),
        INFO[mapping.source]: {
            "shardId": shard_id,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": _iso(first.arrived, unit),
            "approximateArrivalOfLastRecord": _iso(last.arrived, unit),
            "batchSize": len(work.records),
            "streamArn": mapping.source_arn,
        },
    }
    if work.invocations:
        response = {"statusCode": 200, "executedVersion": "$LATEST"}
        record["responseContext"] = (
            {**response, "functionError": "Unhandled"} if function_error else response
        )
    if mapping.on_failure and mapping.on_failure.service == "s3":
        record["payload"] = event_of(work.records).decode()
    return record


def object_key(mapping: Mapping, shard_id: str, now: float, random_uuid: str) -> str:
    """The key of the S3 object for a batch discarded at epoch second `now`."""
    moment = datetime.fromtimestamp(now, UTC)
    return (
        f"aws/lambda/{mapping.uuid}/{shard_id}/{moment:%Y/%m/%d}/"
        f"{moment:%Y-%m-%dT%H.%M.%S}-{random_uuid}"
    )


def _iso(seconds: float, unit: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec=unit).removesuffix("+00:00") + "Z"
