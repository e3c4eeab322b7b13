"""The key of the topics: EventBridge can't publish to a topic under a key of AWS's own."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.deployment import Deployment
from infra.policies import Statement, allow, document, service_may

USE_KEY = ("kms:GenerateDataKey", "kms:Decrypt")


@dataclass(frozen=True)
class MessageKeyArgs:
    deployment: Deployment


class MessageKey(pulumi.ComponentResource):
    """Outputs: arn."""

    def __init__(
        self, name: str, args: MessageKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:MessageKey", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(
            name,
            description=f"Topics of {deployment.prefix}",
            enable_key_rotation=True,
            deletion_window_in_days=7 if deployment.settings.disposable else 30,
            policy=document(key_policy(deployment.account_id)),
            opts=child,
        )
        aws.kms.Alias(
            name,
            name=f"alias/{deployment.name('messages')}",
            target_key_id=key.key_id,
            opts=child,
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def account_decides(account_id: str) -> Statement:
    """In a key's policy `*` is the key itself; this statement lets the policies of roles decide.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return {
        "Sid": "RolesDecide",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
        "Action": ["kms:*"],
        "Resource": "*",
    }


def key_policy(account_id: str) -> list[Statement]:
    return [
        account_decides(account_id),
        service_may("RulesPublish", "events.amazonaws.com", USE_KEY, "*"),
        service_may("AlarmsPublish", "cloudwatch.amazonaws.com", USE_KEY, "*"),
    ]


def use_key(arn: pulumi.Input[str]) -> Statement:
    """What a role needs to publish to a topic under the key."""
    return allow("UseMessageKey", USE_KEY, arn)
