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
LIMIT_MS = 1500
RAISED_WITHIN_S = 60
# How much sooner than the records are given up an alarm has to be: somebody has to come and mend.
MARGIN = 10
KEPT = (
    *("AlarmName", "ActionsEnabled", "OKActions", "AlarmActions", "MetricName", "Namespace"),
    *("Statistic", "Dimensions", "Period", "EvaluationPeriods", "ComparisonOperator"),
    "TreatMissingData",
)


@given(
    parsers.re("the (?P<consumer>relay|projector) cannot reach the (log|database)"),
    target_fixture="alarm",
)
def stand_still(kit: Kit, consumer: str) -> Iterator[Mapping[str, Any]]:
    """Its alarm is deployed with a limit of seconds, and put back."""
    alarm = _alarm(kit, consumer)
    cloudwatch = kit.target.client("cloudwatch")
    short = {name: alarm[name] for name in KEPT if name in alarm} | {"Threshold": LIMIT_MS}
    cloudwatch.put_metric_alarm(**short)
    if consumer == "relay":
        rule = Rule(fault=Refuse(), service="kinesis", operation="PutRecords", times=None)
        kit.inject(rule, "the relay does not reach the log")
    else:
        kit.stop_database()
    yield alarm
    cloudwatch.put_metric_alarm(**short | {"Threshold": alarm["Threshold"]})


@when("a customer places an order")
def place(kit: Kit, scene: Scene) -> None:
    scene.customer = kit.new_customer()
    placed = scene.customer.get_through(placement())
    assert placed.status == 201, placed
    scene.order_id = placed.body["order_id"]


@then(
    parsers.re("an alarm about the (?P<consumer>[a-z]+) is raised and told to whoever listens"),
)
def raised_and_told(kit: Kit, consumer: str, alarm: Mapping[str, Any]) -> None:
    sqs, sns = kit.target.client("sqs"), kit.target.client("sns")
    [topic] = alarm["AlarmActions"]
    url = sqs.create_queue(QueueName=f"listener-of-{consumer}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    listens = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"], ReturnSubscriptionArn=True
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
    kit.witness.struck(f"the {consumer} stands still", len(heard))


@then(
    "it is deployed to be raised long before a record is given up, and that long before it expires"
)
def in_time(kit: Kit, alarm: Mapping[str, Any]) -> None:
    """Read from what is deployed: limit of the alarm, age of a record, retention of the stream."""
    function = alarm["Dimensions"][0]["Value"]
    key = next(key for key, name in kit.outputs["functions"].items() if name == function)
    given_up_s = kit.mapping(key)["request"]["MaximumRecordAgeInSeconds"]
    kept_s = {"relay": 24 * 3600, "projector": _log_retention_s(kit)}[key]
    limit_s = alarm["Threshold"] / 1000
    assert 0 < limit_s * MARGIN <= given_up_s, (limit_s, given_up_s)
    assert given_up_s * 2 <= kept_s, (given_up_s, kept_s)


def _log_retention_s(kit: Kit) -> int:
    told = kit.target.client("kinesis").describe_stream_summary(
        StreamName=kit.outputs["log_stream"]
    )
    return int(told["StreamDescriptionSummary"]["RetentionPeriodHours"]) * 3600


@when(parsers.re("the (relay|projector) can reach the (log|database) again"))
def goes_on(kit: Kit) -> None:
    kit.end_faults()


@then(
    parsers.parse(
        "within {seconds:d} seconds the order is visible and the {consumer} has caught up"
    )
)
def over(kit: Kit, scene: Scene, consumer: str, seconds: int) -> None:
    until(
        "the order is visible",
        lambda: scene.owner.read(f"/orders/{scene.order_id}"),
        lambda answer: answer.status == 200,
        at_most_s=seconds,
    )
    until(
        "it has caught up",
        lambda: kit.mapping(consumer)["iterator_age_ms"],
        lambda age_ms: age_ms == 0,
        at_most_s=seconds,
    )


def _alarm(kit: Kit, consumer: str) -> dict[str, Any]:
    name = kit.outputs["functions"][consumer]
    found = kit.target.client("cloudwatch").get_paginator("describe_alarms").paginate()
    [alarm] = [
        one
        for page in found
        for one in page["MetricAlarms"]
        if one.get("MetricName") == "IteratorAge"
        and one["Dimensions"] == [{"Name": "FunctionName", "Value": name}]
    ]
    return dict(alarm)
