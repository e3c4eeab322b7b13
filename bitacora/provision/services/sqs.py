"""SQS queues and their policies."""

import json
from collections.abc import Mapping
from typing import Any

from bitacora.provision.kinds import Made, New, kind, update

# Attributes of the API that Pulumi names in another way.
RENAMED = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "maxMessageSize": "MaximumMessageSize",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}
ATTRIBUTES = (*RENAMED, "delaySeconds", "policy", "redrivePolicy", "redriveAllowPolicy")
FIFO = ("fifoQueue", "contentBasedDeduplication", "deduplicationScope", "fifoThroughputLimit")


@kind("aws:sqs/queue:Queue")
def queue(new: New) -> Made:
    name = new.take("name")
    attributes = _attributes(new, *ATTRIBUTES, *FIFO, "kmsMasterKeyId")
    url = new.create("sqs", "CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = f"arn:aws:sqs:{new.cloud.region}:{new.cloud.account_id}:{name}"
    return Made(url, {"url": url, "arn": arn})


@update("aws:sqs/queue:Queue", *ATTRIBUTES)
def queue_again(new: New, url: str, differing: frozenset[str]) -> Mapping[str, Any]:
    new.leave(*new.inputs.keys() - differing)
    new.send("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=_attributes(new, *differing))
    return {}


@kind("aws:sqs/queuePolicy:QueuePolicy", "policy")
@kind("aws:sqs/redrivePolicy:RedrivePolicy", "redrivePolicy")
@kind("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "redriveAllowPolicy")
def attribute(new: New) -> Made:
    url = new.take("queueUrl")
    attributes = _attributes(new, "policy", "redrivePolicy", "redriveAllowPolicy")
    new.send("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=attributes)
    return Made(url)


def _attributes(new: New, *names: str) -> dict[str, str]:
    values = {name: new.take(name) for name in names if name in new.inputs}
    return {
        RENAMED.get(name, name[0].upper() + name[1:]): text(value) for name, value in values.items()
    }


def text(value: Any) -> str:
    """An attribute's value: SQS and SNS take text only."""
    return value if isinstance(value, str) else json.dumps(value)
