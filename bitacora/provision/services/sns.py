"""SNS topics, their policies, subscriptions."""

from collections.abc import Collection, Mapping
from typing import Any

from bitacora.provision.kinds import Made, New, kind, update
from bitacora.provision.services.sqs import text

TOPIC_ATTRIBUTES = {
    "kmsMasterKeyId": "KmsMasterKeyId",
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "tracingConfig": "TracingConfig",
    "signatureVersion": "SignatureVersion",
}
SUBSCRIPTION_ATTRIBUTES = {
    "rawMessageDelivery": "RawMessageDelivery",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "redrivePolicy": "RedrivePolicy",
    "deliveryPolicy": "DeliveryPolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


@kind("aws:sns/topic:Topic")
def topic(new: New) -> Made:
    attributes = _attributes(new, TOPIC_ATTRIBUTES)
    arn = new.create("sns", "CreateTopic", Attributes=attributes)["TopicArn"]
    return Made(arn, {"arn": arn, "owner": new.cloud.account_id})


@kind("aws:sns/topicPolicy:TopicPolicy", "policy")
def topic_policy(new: New) -> Made:
    arn, policy = new.take("arn"), new.take("policy")
    new.send(
        "sns",
        "SetTopicAttributes",
        TopicArn=arn,
        AttributeName="Policy",
        AttributeValue=policy,
    )
    return Made(arn)


@kind("aws:sns/topicSubscription:TopicSubscription")
def subscription(new: New) -> Made:
    new.leave("confirmationTimeoutInMinutes", "endpointAutoConfirms")
    attributes = _attributes(new, SUBSCRIPTION_ATTRIBUTES)
    arn = new.create(
        "sns",
        "Subscribe",
        {"topic": "TopicArn"},
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(arn, {"arn": arn})


@update("aws:sns/topicSubscription:TopicSubscription", *SUBSCRIPTION_ATTRIBUTES)
def subscription_again(new: New, arn: str, differing: frozenset[str]) -> Mapping[str, Any]:
    new.leave(*new.inputs.keys() - differing)
    for name, value in _attributes(new, SUBSCRIPTION_ATTRIBUTES, differing).items():
        new.send(
            "sns",
            "SetSubscriptionAttributes",
            SubscriptionArn=arn,
            AttributeName=name,
            AttributeValue=value,
        )
    return {}


def _attributes(
    new: New, names: Mapping[str, str], among: Collection[str] | None = None
) -> dict[str, Any]:
    chosen = new.inputs.keys() if among is None else among
    return {attribute: text(new.take(name)) for name, attribute in names.items() if name in chosen}
