"""The keys that personal data is sealed with: one for each customer, and gone with its item."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.message_key import account_decides
from infra.components.table import ItemTable, ItemTableArgs
from infra.deployment import Deployment
from infra.policies import Statement, allow, document
from reference_service.tables import PERSONAL_KEYS


@dataclass(frozen=True)
class PersonalKeysArgs:
    deployment: Deployment


class PersonalKeys(Capability):
    """A table of wrapped keys, and the key of KMS that wraps them.

    Without that one nothing personal can be read any more: on a stack that is to last it is
    protected. Outputs: personal_keys_table, wrapping_key_arn.
    """

    def __init__(
        self, name: str, args: PersonalKeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:PersonalKeys", name, None, opts)
        deployment = args.deployment
        guarded = deployment.settings.deletion_protection
        self.table = ItemTable(
            "personal-keys",
            ItemTableArgs(
                deployment=deployment, key="personal-keys", layout=PERSONAL_KEYS, forgetful=True
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.key = aws.kms.Key(
            "personal-keys",
            description=f"Wraps the keys of the customers of {deployment.prefix}",
            enable_key_rotation=True,
            deletion_window_in_days=7 if deployment.settings.disposable else 30,
            policy=document([account_decides(deployment.account_id)]),
            opts=pulumi.ResourceOptions(parent=self, protect=guarded),
        )
        aws.kms.Alias(
            "personal-keys",
            name=f"alias/{deployment.name('personal-keys')}",
            target_key_id=self.key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.exports = {"personal_keys_table": self.table.name}
        self.register_outputs({**self.exports, "wrapping_key_arn": self.key.arn})

    def environment(self) -> dict[str, pulumi.Input[str]]:
        """What a function reads that uses keys."""
        return {"personal_keys_table": self.table.name, "wrapping_key_arn": self.key.arn}

    def seal(self) -> list[Statement]:
        """Find a customer's key, and make one."""
        actions = ["dynamodb:GetItem", "dynamodb:PutItem"]
        return [
            allow("KeepPersonalKeys", actions, self.table.arn),
            allow("WrapPersonalKeys", ["kms:GenerateDataKey", "kms:Decrypt"], self.key.arn),
        ]

    def open(self) -> list[Statement]:
        """Find a customer's key."""
        return [
            allow("FindPersonalKeys", ["dynamodb:GetItem"], self.table.arn),
            allow("UnwrapPersonalKeys", ["kms:Decrypt"], self.key.arn),
        ]

    def destroy(self) -> Statement:
        """Without the right to unwrap: who destroys a key never saw it."""
        actions = ["dynamodb:GetItem", "dynamodb:DeleteItem"]
        return allow("DestroyPersonalKeys", actions, self.table.arn)
