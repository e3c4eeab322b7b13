"""Tells people: events of orders become messages on the notifications topic."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.message_key import MessageKey, use_key
from infra.components.publication import Publication
from infra.components.topic import ServiceTopic, ServiceTopicArgs
from infra.components.topic_consumer import TopicConsumer, TopicConsumerArgs
from infra.deployment import Deployment
from infra.policies import allow
from reference_service.settings import NotifierSettings, environment


@dataclass(frozen=True)
class NotificationArgs:
    deployment: Deployment
    publication: Publication
    message_key: MessageKey


class Notification(Capability):
    """Outputs: topic (arn). Functions: notifier. Queues: notification."""

    def __init__(
        self, name: str, args: NotificationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Notification", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.topic = ServiceTopic(
            "notifications",
            ServiceTopicArgs(
                deployment=args.deployment, key="notifications", message_key=args.message_key
            ),
            child,
        )
        consumer = TopicConsumer(
            "notification-consumer",
            TopicConsumerArgs(
                deployment=args.deployment,
                publication=args.publication,
                consumer="notification",
                function_key="notifier",
                environment=environment(NotifierSettings, notifications_topic_arn=self.topic.arn),
                statements=[
                    allow("Notify", ["sns:Publish"], self.topic.arn),
                    use_key(args.message_key.arn),
                ],
            ),
            child,
        )
        self.functions, self.queues = [consumer.function], [consumer.queue]
        self.exports = {"notifications_topic_arn": self.topic.arn}
        self.register_outputs({**self.exports})
