"""The destination record and its key are AWS's."""

import json

from bitacora.delivery.failures import TOO_OLD, failure_record, object_key
from bitacora.delivery.mapping import parse
from bitacora.delivery.records import Record
from bitacora.delivery.retries import Work

SHARD = "shardId-000000000001"
LOG = "arn:aws:kinesis:us-east-2:123456789012:stream/mystream"
TABLE = "arn:aws:dynamodb:us-east-2:123456789012:table/mytable/stream/2019-11-14T00:04:06.388"
FUNCTION = "arn:aws:lambda:us-east-2:123456789012:function:myfunction"
RECORDS = (
    Record("49601", "k", 1573691884.835, b'{"n": 1}'),
    Record("49602", "k", 1573691885.58, b'{"n": 2}'),
)


def record(source: str, destination: str, work: Work, **overrides: object) -> dict[str, object]:
    request = {
        "EventSourceArn": source,
        "FunctionName": "myfunction",
        "StartingPosition": "TRIM_HORIZON",
        "DestinationConfig": {"OnFailure": {"Destination": destination}},
    }
    values = {"condition": "RetryAttemptsExhausted", "function_error": True} | overrides
    return failure_record(
        parse("m", request), FUNCTION, SHARD, work, now=1573691886.021, request_id="r", **values
    )


def test_a_queue_gets_the_metadata_of_a_kinesis_batch() -> None:
    work = Work(RECORDS, attempts=3, invocations=3)
    assert record(LOG, "arn:aws:sqs:us-east-2:123456789012:dest", work) == {
        "requestContext": {
            "requestId": "r",
            "functionArn": FUNCTION,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "2019-11-14T00:38:06.021Z",
        "KinesisBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": "49601",
            "endSequenceNumber": "49602",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
            "batchSize": 2,
            "streamArn": LOG,
        },
    }


def test_a_bucket_gets_the_event_besides_as_json_text() -> None:
    written = record(TABLE, "arn:aws:s3:::failures", Work(RECORDS, invocations=1))
    assert json.loads(str(written["payload"])) == {"Records": [{"n": 1}, {"n": 2}]}
    info = written["DDBStreamBatchInfo"]
    assert info["approximateArrivalOfFirstRecord"] == "2019-11-14T00:38:04Z"


def test_records_too_old_to_be_tried_have_no_response() -> None:
    written = record(LOG, "arn:aws:s3:::failures", Work(RECORDS), condition=TOO_OLD)
    assert "responseContext" not in written
    assert written["requestContext"]["condition"] == "RecordAgeExceeded"


def test_reported_failures_are_no_function_error() -> None:
    work = Work(RECORDS, invocations=2)
    written = record(LOG, "arn:aws:s3:::failures", work, function_error=False)
    assert "functionError" not in written["responseContext"]


def test_the_key_holds_mapping_shard_day_and_second() -> None:
    request = {"EventSourceArn": LOG, "FunctionName": "f", "StartingPosition": "TRIM_HORIZON"}
    key = object_key(parse("m", request), SHARD, 1573691886.021, "u")
    assert key == f"aws/lambda/m/{SHARD}/2019/11/14/2019-11-14T00.38.06-u"
