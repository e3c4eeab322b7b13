"""The request of a mapping: defaults, and a clear refusal of what is wrong."""

from typing import Any

import pytest

from bitacora.delivery.mapping import InvalidMapping, parse, updated

LOG = "arn:aws:kinesis:us-east-1:000000000000:stream/log"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/events/stream/2026-01-01T00:00:00.000"
GOOD = {"EventSourceArn": LOG, "FunctionName": "projector", "StartingPosition": "TRIM_HORIZON"}


def test_defaults_are_those_of_aws() -> None:
    mapping = parse("m", GOOD)
    assert (mapping.batch_size, mapping.window_s, mapping.lanes) == (100, 0, 1)
    assert (mapping.max_attempts, mapping.max_age_s, mapping.on_failure) == (None, None, None)
    assert (mapping.enabled, mapping.bisect, mapping.reports_item_failures) == (True, False, False)
    assert mapping.filters == ()


def test_minus_one_is_without_limit_and_zero_retries_is_zero() -> None:
    settings = {"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1}
    mapping = parse("m", GOOD | settings)
    assert (mapping.max_attempts, mapping.max_age_s) == (None, None)
    assert parse("m", GOOD | {"MaximumRetryAttempts": 0}).max_attempts == 0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}, "EventSourceArn"),
        ({"EventSourceArn": None}, "EventSourceArn"),
        ({"FunctionName": ""}, "FunctionName"),
        ({"StartingPosition": "NOW"}, "StartingPosition"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "StartingPositionTimestamp"),
        ({"StartingPositionTimestamp": 5}, "only with AT_TIMESTAMP"),
        (
            {
                "EventSourceArn": TABLE,
                "StartingPosition": "AT_TIMESTAMP",
                "StartingPositionTimestamp": 5,
            },
            "Kinesis only",
        ),
        ({"BatchSize": 10_001}, "BatchSize"),
        ({"BatchSize": 2.5}, "BatchSize"),
        ({"BatchSize": True}, "BatchSize"),
        ({"MaximumBatchingWindowInSeconds": 301}, "MaximumBatchingWindowInSeconds"),
        ({"ParallelizationFactor": 11}, "ParallelizationFactor"),
        ({"MaximumRetryAttempts": -2}, "MaximumRetryAttempts"),
        ({"MaximumRecordAgeInSeconds": 59}, "MaximumRecordAgeInSeconds"),
        ({"TumblingWindowInSeconds": 60}, "TumblingWindowInSeconds: not supported"),
        ({"KMSKeyArn": "arn:aws:kms:…"}, "KMSKeyArn"),
        ({"Queues": ["q"]}, "Queues"),
        ({"BisectBatchOnFunctionError": "yes"}, "BisectBatchOnFunctionError"),
        ({"FunctionResponseTypes": ["Everything"]}, "FunctionResponseTypes"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "x"}}}, "OnFailure"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "bucket"}}}, "Destination"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:r:0:q.fifo"}}},
            "standard",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, r"Filters\[0\]"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": ["x"]}'}]}}, "'data' only"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"data": ["x"]}'}] * 6}}, "at most 5"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidMapping, match=named):
        parse("m", GOOD | wrong)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidMapping) as refused:
        parse("m", GOOD | {"BatchSize": 0, "Colour": "red"})
    assert len(refused.value.faults) == 2


def test_an_update_keeps_the_rest_and_can_not_move_the_source() -> None:
    assert updated(GOOD, {"UUID": "m", "BatchSize": 7}) == GOOD | {"BatchSize": 7}
    with pytest.raises(InvalidMapping, match="StartingPosition: can't change"):
        updated(GOOD, {"StartingPosition": "LATEST"})
