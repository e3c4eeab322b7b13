"""Policy documents: every statement names its actions and its resources."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = Mapping[str, Any]


def allow(sid: str, actions: Sequence[str], *resources: pulumi.Input[str]) -> Statement:
    """A statement of a role: `actions` on `resources`."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def service_may(
    sid: str,
    service: str,
    actions: Sequence[str],
    resource: pulumi.Input[str],
    sources: Sequence[pulumi.Input[str]] = (),
) -> Statement:
    """A statement of a resource: the AWS service may act on it, on behalf of `sources` only.

    Without sources the statement has no condition: EventBridge sends neither SourceArn nor
    SourceAccount when it publishes to SNS or uses the topic's key.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": list(actions),
        "Resource": resource,
    }
    if sources:
        statement["Condition"] = {"ArnLike": {"aws:SourceArn": list(sources)}}
    return statement


def refuse_plain_http(actions: Sequence[str], *resources: pulumi.Input[str]) -> Statement:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(statements: Sequence[Statement]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trusting(service: str) -> pulumi.Output[str]:
    """Who may assume a role: one AWS service."""
    return document(
        [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]
    )
