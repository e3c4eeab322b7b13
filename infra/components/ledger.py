"""What an audit can read: every public event in S3 by its id; the archive only replays."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.private_bucket import PrivateBucket, PrivateBucketArgs
from infra.components.publication import Publication
from infra.components.topic_consumer import TopicConsumer, TopicConsumerArgs
from infra.deployment import Deployment
from infra.policies import allow
from reference_service.settings import LedgerSettings, environment

LOCKED_DAYS = 30


@dataclass(frozen=True)
class LedgerArgs:
    deployment: Deployment
    publication: Publication


class Ledger(Capability):
    """Outputs: bucket (name, arn). Functions: ledger. Queues: ledger."""

    def __init__(
        self, name: str, args: LedgerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Ledger", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = PrivateBucket(
            "ledger",
            PrivateBucketArgs(deployment=args.deployment, key="ledger", locked_days=LOCKED_DAYS),
            child,
        )
        every_object = pulumi.Output.concat(self.bucket.arn, "/*")
        consumer = TopicConsumer(
            "ledger-consumer",
            TopicConsumerArgs(
                deployment=args.deployment,
                publication=args.publication,
                consumer="ledger",
                function_key="ledger",
                environment=environment(LedgerSettings, ledger_bucket=self.bucket.name),
                statements=[allow("Keep", ["s3:PutObject"], every_object)],
            ),
            child,
        )
        self.functions, self.queues = [consumer.function], [consumer.queue]
        self.exports = {"ledger_bucket": self.bucket.name}
        self.register_outputs({**self.exports})
