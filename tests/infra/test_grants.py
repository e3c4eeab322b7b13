"""Every call between services is granted, and taking one grant away breaks exactly its calls."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bitacora.provision.grants import Edge, edges, missing
from bitacora.provision.registered import Registered
from tests.infra.stacks import STACKS, registered

GRANTING = (
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:lambda/permission:Permission",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
)


def grants_anything(resource: Registered) -> bool:
    """A policy that only refuses plain HTTP grants nothing."""
    document = json.loads(resource.inputs.get("policy", "{}"))
    effects = {statement["Effect"] for statement in document.get("Statement", ())}
    return resource.type in GRANTING and effects != {"Deny"}


def changed(resources: list[Registered], urn: str, **inputs: Any) -> list[Registered]:
    return [replace(r, inputs={**r.inputs, **inputs}) if r.urn == urn else r for r in resources]


def named(resources: list[Registered], type_: str, name: str) -> Registered:
    [found] = [r for r in resources if (r.type, r.name) == (f"aws:{type_}", name)]
    return found


def guarded(resources: list[Registered], policy: Registered) -> str:
    """Whose calls a policy decides, as edges name it in `mechanism`."""
    match policy.type.rpartition(":")[2]:
        case "QueuePolicy" | "RedriveAllowPolicy":
            [queue] = [r for r in resources if r.outputs.get("url") == policy.inputs["queueUrl"]]
            return f"policy of sqs {queue.inputs['name']}"
        case "TopicPolicy":
            return f"policy of sns {policy.inputs['arn'].rpartition(':')[2]}"
        case "Permission":
            return f"policy of lambda function:{policy.inputs['function']}"
        case "RolePolicy":
            return f"policy of iam role/{policy.inputs['role']}"
        case _:
            return f"managed policy of iam role/{policy.inputs['role']}"


@pytest.mark.parametrize("stack", STACKS)
def test_every_call_is_granted(stack: str) -> None:
    table = edges(registered(stack))
    assert [str(edge) for edge in table if not edge.granted] == []
    assert {edge.action for edge in table} >= {
        "sns:Publish",
        "sqs:SendMessage",
        "lambda:InvokeFunction",
        "kms:GenerateDataKey",
        "kms:Decrypt",
        "dynamodb:GetRecords",
        "kinesis:GetRecords",
        "sqs:ReceiveMessage",
        "s3:PutObject",
        "sts:AssumeRole",
        "ec2:CreateNetworkInterface",
        "logs:PutLogEvents",
        "sqs:redrive",
    }


@pytest.mark.parametrize("stack", ["embedded", "prod"])
def test_without_one_policy_exactly_its_calls_fail(stack: str) -> None:
    resources = registered(stack)
    table = edges(resources)
    policies = [r for r in resources if grants_anything(r)]
    assert len(policies) > 30
    for policy in policies:
        mechanism = guarded(resources, policy)
        depending = [e for e in table if decided_by(policy, mechanism, e)]
        lost = missing([r for r in resources if r is not policy])
        assert depending, f"{policy.name}: {policy.type} grants nothing that is needed"
        assert same_calls(lost, depending), f"without {policy.type} {policy.name}"


def decided_by(policy: Registered, mechanism: str, edge: Edge) -> bool:
    """A role's use of a topic's key is an edge because of its policy, and goes with it."""
    redrive = policy.type.endswith("RedriveAllowPolicy")
    own = (edge.action == "sqs:redrive") is redrive and not edge.action.startswith("kms:")
    return edge.mechanism == mechanism and own


def same_calls(these: list[Edge], those: list[Edge]) -> bool:
    def call(edge: Edge) -> tuple[str, str, str]:
        return edge.source, edge.target, edge.action

    return sorted(map(call, these)) == sorted(map(call, those))


def test_without_the_key_s_word_for_rules_no_event_is_published() -> None:
    resources = registered("prod")
    key = named(resources, "kms/key:Key", "messages")
    document = json.loads(key.inputs["policy"])
    document["Statement"] = [s for s in document["Statement"] if s["Sid"] != "RulesPublish"]
    lost = missing(changed(resources, key.urn, policy=json.dumps(document)))
    assert {edge.action for edge in lost} == {"kms:GenerateDataKey", "kms:Decrypt"}
    assert {edge.source.split(":")[2] for edge in lost} == {"events"}


def test_without_its_own_word_for_the_key_a_role_can_not_publish() -> None:
    resources = registered("prod")
    policy = named(resources, "iam/rolePolicy:RolePolicy", "notifier")
    document = json.loads(policy.inputs["policy"])
    document["Statement"] = [s for s in document["Statement"] if s["Sid"] != "UseMessageKey"]
    lost = missing(changed(resources, policy.urn, policy=json.dumps(document)))
    assert [edge.action for edge in lost] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert {edge.source.rpartition("/")[2] for edge in lost} == {"bitacora-prod-notifier"}


def test_the_queue_of_another_topic_is_closed() -> None:
    resources = registered("prod")
    policy = named(resources, "sqs/queuePolicy:QueuePolicy", "ledger")
    other = policy.inputs["policy"].replace("order-events", "other-events")
    [lost] = missing(changed(resources, policy.urn, policy=other))
    assert lost.source.endswith(":bitacora-prod-order-events")
    assert lost.target.endswith(":bitacora-prod-ledger")
    assert lost.action == "sqs:SendMessage"
    assert "aws:SourceArn" in lost.reason
    assert "bitacora-prod-order-events" in str(lost)


@pytest.mark.parametrize(
    ("type_", "name", "sid"),
    [
        ("sns/topicPolicy:TopicPolicy", "order-events", "Publisher0"),
        ("kms/key:Key", "messages", "RulesPublish"),
    ],
)
def test_a_condition_on_the_rule_shuts_eventbridge_out(type_: str, name: str, sid: str) -> None:
    """It sends no SourceArn to topics and their keys, so a well-meant condition never holds."""
    resources = registered("prod")
    guard = named(resources, type_, name)
    document = json.loads(guard.inputs["policy"])
    for statement in document["Statement"]:
        if statement["Sid"] == sid:
            statement["Condition"] = {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}
    lost = missing(changed(resources, guard.urn, policy=json.dumps(document)))
    assert len(lost) == 6 * (1 if type_.startswith("sns") else 2)
    assert all("no condition keys" in edge.reason for edge in lost)


def test_an_explicit_refusal_wins() -> None:
    resources = registered("prod")
    policy = named(resources, "sqs/queuePolicy:QueuePolicy", "ledger")
    document = json.loads(policy.inputs["policy"])
    refusal = {"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    document["Statement"].append(refusal)
    lost = missing(changed(resources, policy.urn, policy=json.dumps(document)))
    assert {edge.reason for edge in lost} == {"statement No denies it"}


def test_a_target_that_nobody_thought_of_is_no_silent_yes() -> None:
    resources = registered("prod")
    target = named(resources, "cloudwatch/eventTarget:EventTarget", "OrderPlaced-topic")
    arn = "arn:aws:states:eu-west-1:111122223333:stateMachine:saga"
    [lost] = missing(changed(resources, target.urn, arn=arn))
    assert "knows no grant for states" in lost.reason


def test_wiring_to_something_unregistered_is_named() -> None:
    resources = registered("prod")
    mapping = named(resources, "lambda/eventSourceMapping:EventSourceMapping", "relay-source")
    with pytest.raises(LookupError, match="'nobody'"):
        edges(changed(resources, mapping.urn, functionName="nobody"))
