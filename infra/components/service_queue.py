"""A queue with its dead letters: nothing that fails is dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.deployment import Deployment
from infra.policies import Statement, document, refuse_plain_http, service_may

DAY_S = 24 * 3600
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6
RECEIVES_BEFORE_DEAD = 5


@dataclass(frozen=True, kw_only=True)
class Sender:
    """An AWS service that puts messages into a queue on behalf of the resource `source_arn`."""

    service: str
    source_arn: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Redrive:
    """Who takes a dead letter once more: a queue or a function, by its key, or the bus."""

    way: Literal["queue", "function", "bus"]
    to: str


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueueArgs:
    deployment: Deployment
    key: str
    redrive: Redrive
    senders: Sequence[Sender] = ()


class DeadLetterQueue(pulumi.ComponentResource):
    """Where messages wait 14 days for a redrive.

    Outputs: url, arn, name. Attributes: key, redrive.
    """

    def __init__(
        self, name: str, args: DeadLetterQueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:DeadLetterQueue", name, None, opts)
        self.key, self.redrive = args.key, args.redrive
        self.queue = aws.sqs.Queue(
            name,
            name=args.deployment.name(args.key),
            message_retention_seconds=14 * DAY_S,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = guard(name, self.queue, args.deployment, args.senders, self)
        self.url, self.arn, self.name = self.queue.url, self.queue.arn, self.queue.name
        self.register_outputs({"url": self.url, "arn": self.arn, "name": self.name})


@dataclass(frozen=True, kw_only=True)
class ServiceQueueArgs:
    """`consumer_timeout_s` is the timeout of the function that reads the queue."""

    deployment: Deployment
    key: str
    consumer_timeout_s: int
    senders: Sequence[Sender] = ()
    dead_letter_senders: Sequence[Sender] = ()


class ServiceQueue(pulumi.ComponentResource):
    """Outputs: url, arn, name, dead_letters (url, arn, name). Attribute: key."""

    def __init__(
        self, name: str, args: ServiceQueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:ServiceQueue", name, None, opts)
        self.key = args.key
        child = pulumi.ResourceOptions(parent=self)
        self.dead_letters = DeadLetterQueue(
            f"{name}-dlq",
            DeadLetterQueueArgs(
                deployment=args.deployment,
                key=f"{args.key}-dlq",
                redrive=Redrive(way="queue", to=args.key),
                senders=args.dead_letter_senders,
            ),
            child,
        )
        self.queue = aws.sqs.Queue(
            name,
            name=args.deployment.name(args.key),
            visibility_timeout_seconds=VISIBILITY_PER_TIMEOUT * args.consumer_timeout_s,
            message_retention_seconds=4 * DAY_S,
            sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps(
                {
                    "deadLetterTargetArn": self.dead_letters.arn,
                    "maxReceiveCount": RECEIVES_BEFORE_DEAD,
                }
            ),
            opts=child,
        )
        aws.sqs.RedriveAllowPolicy(
            name,
            queue_url=self.dead_letters.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self.queue.arn]}
            ),
            opts=child,
        )
        self.policy = guard(name, self.queue, args.deployment, args.senders, self)
        self.url, self.arn, self.name = self.queue.url, self.queue.arn, self.queue.name
        self.register_outputs(
            {
                "url": self.url,
                "arn": self.arn,
                "name": self.name,
                "dead_letters": self.dead_letters.url,
            }
        )


def guard(
    name: str,
    queue: aws.sqs.Queue,
    deployment: Deployment,
    senders: Sequence[Sender],
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """The queue's policy: these senders, and TLS only. Without either there is nothing to say."""
    statements: list[Statement] = [
        service_may(f"Sender{n}", s.service, ["sqs:SendMessage"], queue.arn, [s.source_arn])
        for n, s in enumerate(senders)
    ]
    if deployment.settings.tls:
        statements.append(refuse_plain_http(["sqs:SendMessage", "sqs:ReceiveMessage"], queue.arn))
    if not statements:
        return []
    return [
        aws.sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=document(statements),
            opts=pulumi.ResourceOptions(parent=parent),
        )
    ]
