"""The only truth: one item per commit, append-only, streamed."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.private_bucket import PrivateBucket, PrivateBucketArgs
from infra.components.table import ItemTable, ItemTableArgs
from infra.deployment import Deployment
from infra.policies import Statement, allow, document
from reference_service.tables import EVENTS

EVIDENCE_LOCKED_DAYS = 30
CHANGES = ("UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", "PartiQLDelete")


@dataclass(frozen=True)
class EventStoreArgs:
    deployment: Deployment


class EventStore(Capability):
    """No role may change or delete a commit; what tries to is kept in the locked evidence bucket.

    Outputs: table_name, table_arn, stream_arn, evidence (name, arn).
    """

    def __init__(
        self, name: str, args: EventStoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:EventStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        table = ItemTable(
            "events",
            ItemTableArgs(deployment=args.deployment, key="events", layout=EVENTS, streamed=True),
            child,
        )
        self.table_name, self.table_arn = table.name, table.arn
        self.stream_arn = table.stream_arn
        self._refuse_changes(table)
        self.evidence = PrivateBucket(
            "evidence",
            PrivateBucketArgs(
                deployment=args.deployment, key="evidence", locked_days=EVIDENCE_LOCKED_DAYS
            ),
            child,
        )
        self.exports = {
            "events_table": self.table_name,
            "events_stream_arn": self.stream_arn,
            "evidence_bucket": self.evidence.name,
        }
        self.register_outputs({**self.exports})

    def _refuse_changes(self, table: ItemTable) -> None:
        """Whoever wants to change a commit has to remove this policy first, and be seen doing it.

        Transactions are checked as the single writes in them.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
        """
        refusal = {
            "Sid": "CommitsAreFinal",
            "Effect": "Deny",
            "Principal": "*",
            "Action": [f"dynamodb:{action}" for action in CHANGES],
            "Resource": table.arn,
        }
        aws.dynamodb.ResourcePolicy(
            "events",
            resource_arn=table.arn,
            policy=document([refusal]),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def read(self) -> Statement:
        return allow("ReadStreams", ["dynamodb:Query"], self.table_arn)

    def append(self) -> Statement:
        return allow("Append", ["dynamodb:Query", "dynamodb:PutItem"], self.table_arn)
