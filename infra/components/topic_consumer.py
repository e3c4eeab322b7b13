"""A consumer of the topic: its events, in a queue of its own, read by one function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.event_sources import may_consume, read_queue
from infra.components.publication import Publication
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.components.service_queue import Sender, ServiceQueue, ServiceQueueArgs
from infra.deployment import Deployment
from infra.policies import Statement
from infra.routing import filter_policy


@dataclass(frozen=True, kw_only=True)
class TopicConsumerArgs:
    """`consumer` is the name in contracts/topology.json and of the queue."""

    deployment: Deployment
    publication: Publication
    consumer: str
    function_key: str
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    timeout_s: int = 30


class TopicConsumer(pulumi.ComponentResource):
    """Attributes: queue, function."""

    def __init__(
        self, name: str, args: TopicConsumerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:TopicConsumer", name, None, opts)
        child, topic = pulumi.ResourceOptions(parent=self), args.publication.topic
        sender = Sender(service="sns.amazonaws.com", source_arn=topic.arn)
        self.queue = ServiceQueue(
            args.consumer,
            ServiceQueueArgs(
                deployment=args.deployment,
                key=args.consumer,
                consumer_timeout_s=args.timeout_s,
                senders=[sender],
                dead_letter_senders=[sender],
            ),
            child,
        )
        aws.sns.TopicSubscription(
            args.consumer,
            topic=topic.arn,
            protocol="sqs",
            endpoint=self.queue.arn,
            raw_message_delivery=True,
            filter_policy_scope="MessageBody",
            filter_policy=pulumi.Output.json_dumps(filter_policy(args.consumer)),
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.queue.dead_letters.arn}
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*self.queue.policy, *self.queue.dead_letters.policy]
            ),
        )
        self.function = ServiceFunction(
            args.function_key,
            ServiceFunctionArgs(
                deployment=args.deployment,
                key=args.function_key,
                timeout_s=args.timeout_s,
                environment=args.environment,
                statements=[may_consume(self.queue.arn), *args.statements],
            ),
            child,
        )
        at_once = args.deployment.settings.size.queue_concurrency
        read_queue(self.function, self.queue, maximum_concurrency=at_once)
        self.register_outputs({"queue": self.queue.url, "function": self.function.name})
