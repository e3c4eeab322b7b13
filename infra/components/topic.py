"""An SNS topic under the message key."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.message_key import MessageKey
from infra.deployment import Deployment
from infra.policies import Statement, document, refuse_plain_http, service_may


@dataclass(frozen=True, kw_only=True)
class ServiceTopicArgs:
    """`publishers` are AWS services, like events.amazonaws.com; roles need no statement here."""

    deployment: Deployment
    key: str
    message_key: MessageKey
    publishers: Sequence[str] = ()


class ServiceTopic(pulumi.ComponentResource):
    """Outputs: arn, name."""

    def __init__(
        self, name: str, args: ServiceTopicArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:ServiceTopic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            name,
            name=args.deployment.name(args.key),
            kms_master_key_id=args.message_key.arn,
            opts=child,
        )
        statements: list[Statement] = [
            service_may(f"Publisher{n}", service, ["sns:Publish"], topic.arn)
            for n, service in enumerate(args.publishers)
        ]
        if args.deployment.settings.tls:
            statements.append(refuse_plain_http(["sns:Publish"], topic.arn))
        self.policy: list[pulumi.Resource] = []
        if statements:
            self.policy = [
                aws.sns.TopicPolicy(name, arn=topic.arn, policy=document(statements), opts=child)
            ]
        self.arn, self.name = topic.arn, topic.name
        self.register_outputs({"arn": self.arn, "name": self.name})
