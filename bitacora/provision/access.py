"""Would AWS let this call pass? Policy documents, evaluated by the emulator's own IAM evaluator."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ministack.core.iam_evaluator import (
    EvalContext,
    EvalResult,
    combine_resource_policy,
    evaluate,
    evaluate_resource_policy,
    parse_policy_document,
)


@dataclass(frozen=True)
class Call:
    """`context` holds the condition keys that AWS sends along, like {"aws:SourceArn": "arn:…"}."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    allowed: bool
    reason: str


def service_may(service: str, call: Call, policies: Sequence[str]) -> Decision:
    """May an AWS service (sns.amazonaws.com) make the call? Only the resource's policies say so."""
    result = evaluate_resource_policy(_joined(policies), _context(call, ""), service=service)
    return _decision(result, f"a policy of the resource that admits {service}", call)


def role_may(
    role_arn: str, call: Call, policies: Sequence[str], resource_policies: Sequence[str] = ()
) -> Decision:
    """May the role make the call? A key's own policy must agree; others may only refuse."""
    context = _context(call, role_arn)
    result = evaluate(context, [parse_policy_document(document) for document in policies])
    if resource_policies:
        key = call.action.startswith("kms:")
        joined = _joined(resource_policies)
        result = combine_resource_policy(result, context, joined, None, required=key)
    return _decision(result, f"a policy of the role {role_arn.rpartition('/')[2]}", call)


def _decision(result: EvalResult, needed: str, call: Call) -> Decision:
    if result.decision == "Allow":
        return Decision(True, f"statement {result.matched_sid or 'without Sid'}")
    if result.decision == "Deny":
        return Decision(False, f"statement {result.matched_sid or 'without Sid'} denies it")
    sent = ", ".join(f"{key} {text}" for key, text in call.context.items()) or "no condition keys"
    return Decision(False, f"needs {needed}; the call carries {sent}")


def _joined(policies: Sequence[str]) -> str:
    statements = []
    for document in policies:
        found = json.loads(document)["Statement"]
        statements += found if isinstance(found, list) else [found]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _context(call: Call, principal_arn: str) -> EvalContext:
    return EvalContext(
        principal_arn=principal_arn,
        principal_type="AssumedRole" if principal_arn else "Service",
        principal_account=principal_arn.split(":")[4] if principal_arn else "",
        action=call.action,
        resource_arn=call.resource,
        region="",
        # Services and SDKs talk TLS on AWS, which is what is asked about.
        secure_transport=True,
        service_context={key.lower(): text for key, text in call.context.items()},
    )
