"""Each pattern and each filter takes the events of its consumers and no other.

Asked of the cloud itself: EventBridge's TestEventPattern, and a topic with a queue per consumer.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.generate.documents import ASYNCAPI, ROUTING
from tests.contracts.generate.test_asyncapi import WAYS
from tests.emulator import REGION, Emulator

ACCOUNT = "000000000000"
PUBLISHED: list[dict[str, Any]] = [
    example["payload"]
    for message in ASYNCAPI["components"]["messages"].values()
    for example in message["examples"]
]


def matches(emulator: Emulator, pattern: Any, cloud_event: dict[str, Any]) -> bool:
    event = {
        "id": "1",
        "account": ACCOUNT,
        "region": REGION,
        "time": cloud_event["time"],
        "source": cloud_event["source"],
        "detail-type": cloud_event["type"],
        "resources": [],
        "detail": cloud_event,
    }
    asked = {"EventPattern": json.dumps(pattern), "Event": json.dumps(event)}
    result: bool = emulator.client("events").test_event_pattern(**asked)["Result"]
    return result


def test_there_is_a_rule_for_every_public_event_and_a_way_to_every_consumer() -> None:
    assert ROUTING["rules"].keys() == WAYS.keys()
    targets = {target for rule in ROUTING["rules"].values() for target in rule["targets"]}
    consumers = {consumer for way in WAYS.values() for consumer in way["consumers"]}
    assert ROUTING["filters"].keys() | (targets - {"order-events"}) == consumers


@pytest.mark.parametrize("event", ROUTING["rules"])
def test_a_rule_matches_its_event_in_every_version_and_no_other(
    emulator: Emulator, event: str
) -> None:
    pattern = ROUTING["rules"][event]["pattern"]
    taken = {published["type"] for published in PUBLISHED if matches(emulator, pattern, published)}
    assert taken == {event}
    for published in PUBLISHED:
        if published["type"] == event:
            assert matches(emulator, pattern, published)
            assert not matches(emulator, pattern, published | {"source": "bitacora.nobody"})


def test_each_subscriber_gets_its_events_and_no_other(emulator: Emulator) -> None:
    queues = dict(subscribed(emulator))
    topic = emulator.client("sns").create_topic(Name="routing-topic")["TopicArn"]
    for published in PUBLISHED:
        if "order-events" in ROUTING["rules"][published["type"]]["targets"]:
            emulator.client("sns").publish(TopicArn=topic, Message=json.dumps(published))
    for consumer, url in queues.items():
        got = sorted(received(emulator, url))
        due = sorted(p["type"] for p in PUBLISHED if consumer in WAYS[p["type"]]["consumers"])
        assert got == due, consumer


def subscribed(emulator: Emulator) -> Iterator[tuple[str, str]]:
    """A queue per filter policy on one topic, as infra/ makes them: consumer and URL."""
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    topic = sns.create_topic(Name="routing-topic")["TopicArn"]
    for consumer, policy in ROUTING["filters"].items():
        url = sqs.create_queue(QueueName=f"routing-{consumer}")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:routing-{consumer}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        allowed = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": allowed})
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={
                "RawMessageDelivery": "true",
                "FilterPolicyScope": "MessageBody",
                "FilterPolicy": json.dumps(policy),
            },
        )
        yield consumer, url


def received(emulator: Emulator, url: str) -> Iterator[str]:
    """The types of all messages in a queue; the emulator hands them over before it answers."""
    sqs = emulator.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            yield json.loads(message["Body"])["type"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
