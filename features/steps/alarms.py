"""Alarms: what is deployed, and what it takes for them to be raised and told."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_bdd import given, parsers, then, when

from bitacora.audit.until import until
from bitacora.faults import Refuse, Rule
from features.harness.customers import placement
from features.harness.kit import Kit
from features.harness.scene import Scene

# The deployed limit is minutes; the alarm itself, its metric and its way are the same.
LIMIT_MS, PERIOD_S = 3000, 10
CALM_WITHIN_S = 60
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
STREAM_RETENTION_S = 24 * 3600
RAISED_WITHIN_S = 60
# How much sooner than the records are given up an alarm has to be: somebody has to come and mend.
MARGIN = 10
KEPT = (
    *("AlarmName", "ActionsEnabled", "OKActions", "AlarmActions", "MetricName", "Namespace"),
    *("Statistic", "Dimensions", "Period", "EvaluationPeriods", "ComparisonOperator"),
    *("TreatMissingData", "Threshold"),
)


@given("the relay cannot reach the log", target_fixture="alarm")
def stand_still(kit: Kit) -> Iterator[Mapping[str, Any]]:
    """Its alarm is deployed with a limit and a period of seconds, and put back."""
    [alarm] = [one for one in _alarms(kit) if _function(one) == kit.outputs["functions"]["relay"]]
    cloudwatch = kit.target.client("cloudwatch")
    kept = {name: alarm[name] for name in KEPT if name in alarm}
    cloudwatch.put_metric_alarm(**kept | {"Threshold": LIMIT_MS, "Period": PERIOD_S})
    until("no alarm yet", lambda: _calm(kit, alarm), "OK".__eq__, at_most_s=CALM_WITHIN_S)
    rule = Rule(fault=Refuse(), service="kinesis", operation="PutRecords", times=None)
    kit.inject(rule, "the relay does not reach the log")
    yield alarm
    cloudwatch.put_metric_alarm(**kept)


@when("a customer places an order")
def place(kit: Kit, scene: Scene) -> None:
    scene.customer = kit.new_customer()
    placed = scene.customer.get_through(placement())
    assert placed.status == 201, placed
    scene.order_id = placed.body["order_id"]


@then("an alarm about the relay is raised and told to whoever listens")
def raised_and_told(kit: Kit, alarm: Mapping[str, Any]) -> None:
    sqs, sns = kit.target.client("sqs"), kit.target.client("sns")
    [topic] = alarm["AlarmActions"]
    url, arn = _listener(sqs, topic, "listens-to-alarms")
    listens = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
    )
    heard: list[str] = []

    def listen() -> list[str]:
        kit.target.client("cloudwatch").describe_alarms(AlarmNames=[alarm["AlarmName"]])
        for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
            told = json.loads(json.loads(message["Body"])["Message"])
            heard.append(f"{told['AlarmName']} {told['NewStateValue']}")
        return heard

    try:
        wanted = f"{alarm['AlarmName']} ALARM"
        until("the alarm is told", listen, lambda said: wanted in said, at_most_s=RAISED_WITHIN_S)
    finally:
        sns.unsubscribe(SubscriptionArn=listens["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)
    kit.witness.struck("the relay stands still", len(heard))


@then("each reader of a stream has one, raised long before a record is given up or expires")
def in_time(kit: Kit) -> None:
    """Read from what is deployed: limits of alarms, ages of records, retention of the streams."""
    limits_s = {_function(one): one["Threshold"] / 1000 for one in _alarms(kit)}
    mappings = [one["request"] for one in kit.environment.delivery.mappings()]
    assert limits_s.keys() == {one["FunctionName"].rpartition(":")[2] for one in mappings}
    kept_s = {"dynamodb": STREAM_RETENTION_S, "kinesis": _log_retention_s(kit)}
    for mapping in mappings:
        limit_s = limits_s[mapping["FunctionName"].rpartition(":")[2]]
        given_up_s = mapping["MaximumRecordAgeInSeconds"]
        assert 0 < limit_s * MARGIN <= given_up_s, (mapping, limit_s)
        assert given_up_s * 2 <= kept_s[mapping["EventSourceArn"].split(":")[2]], mapping
    kit.witness.saw("alarms", len(limits_s))


def _listener(sqs: Any, topic: str, name: str) -> tuple[str, str]:
    """URL and ARN of a queue that the topic may send to."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": told["QueueArn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, told["QueueArn"]


def _log_retention_s(kit: Kit) -> int:
    told = kit.target.client("kinesis").describe_stream_summary(
        StreamName=kit.outputs["log_stream"]
    )
    return int(told["StreamDescriptionSummary"]["RetentionPeriodHours"]) * 3600


@when("the relay can reach the log again")
def goes_on(kit: Kit) -> None:
    kit.end_faults()


@then(parsers.parse("within {seconds:d} seconds the order is visible and the relay has caught up"))
def over(kit: Kit, scene: Scene, seconds: int) -> None:
    until(
        "the order is visible",
        lambda: scene.owner.read(f"/orders/{scene.order_id}"),
        lambda answer: answer.status == 200,
        at_most_s=seconds,
    )
    until(
        "the relay has caught up",
        lambda: kit.mapping("relay")["iterator_age_ms"],
        lambda age_ms: age_ms == 0,
        at_most_s=seconds,
    )


def _calm(kit: Kit, alarm: Mapping[str, Any]) -> str:
    """Its state, judged anew. The emulator's alarms do not tell functions apart, so what others
    were late with a moment ago counts for it too."""
    cloudwatch, name = kit.target.client("cloudwatch"), alarm["AlarmName"]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="judge it anew")
    [told] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(told["StateValue"])


def _function(alarm: Mapping[str, Any]) -> str:
    return str(alarm["Dimensions"][0]["Value"])


def _alarms(kit: Kit) -> list[dict[str, Any]]:
    """Those about the age of what a function reads from a stream."""
    pages = kit.target.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return [
        dict(one)
        for page in pages
        for one in page["MetricAlarms"]
        if one.get("MetricName") == "IteratorAge"
    ]
