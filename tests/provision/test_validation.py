"""A request is refused here for what AWS would refuse there."""

from typing import Any

import botocore.session
import pytest

from bitacora.provision.validation import faults

SESSION = botocore.session.get_session()


def found(service: str, operation: str, **request: Any) -> list[str]:
    model = SESSION.get_service_model(service).operation_model(operation)
    return faults(request, model.input_shape)


MAPPING = {"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"StartingPosition": "OLDEST"}, "StartingPosition: 'OLDEST' is not one of TRIM_HORIZON"),
        ({"BatchSize": 10_001}, "BatchSize: 10001 is more than the maximum 10000"),
        ({"BatchSize": 0}, "Invalid value for parameter BatchSize, value: 0"),
        ({"BatchSize": "10"}, "Invalid type for parameter BatchSize"),
        ({"EventSourceArn": "q"}, "EventSourceArn: 'q' does not match arn:"),
        ({"Typo": 1}, 'Unknown parameter in input: "Typo"'),
        ({"FunctionResponseTypes": ["All"]}, "FunctionResponseTypes[0]: 'All' is not one of"),
    ],
)
def test_a_wrong_member_is_named(changes: dict[str, Any], fault: str) -> None:
    assert any(
        line.startswith(fault)
        for line in found("lambda", "CreateEventSourceMapping", **(MAPPING | changes))
    )


def test_a_missing_member_is_named() -> None:
    assert found("lambda", "CreateEventSourceMapping") == [
        'Missing required parameter in input: "FunctionName"'
    ]


def test_keys_of_a_map_are_checked() -> None:
    variables = {"Variables": {"1st": "x"}}
    assert found("lambda", "UpdateFunctionConfiguration", FunctionName="f", Environment=variables)


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("lambda", "CreateEventSourceMapping", MAPPING | {"StartingPosition": "TRIM_HORIZON"}),
        ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": '{"a":\n"é"}'}),
        ("kinesis", "CreateStream", {"StreamName": "log", "ShardCount": 1}),
        ("sns", "CreateTopic", {"Name": "t", "Tags": [{"Key": "Größe", "Value": "ñ"}]}),
        ("logs", "CreateLogGroup", {"logGroupName": "/aws/lambda/f"}),
        ("events", "PutRule", {"Name": "r", "ScheduleExpression": "rate(1 minute)"}),
    ],
)
def test_what_aws_takes_passes(service: str, operation: str, request_: dict[str, Any]) -> None:
    assert found(service, operation, **request_) == []
