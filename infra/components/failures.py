"""What could not be delivered waits here: failed stream batches, markers of parked streams."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.private_bucket import PrivateBucket, PrivateBucketArgs
from infra.components.service_queue import Sender, ServiceQueue, ServiceQueueArgs
from infra.components.table import ItemTable, ItemTableArgs
from infra.deployment import Deployment
from reference_service.tables import PARKED

# The timeout of the function that repairs what arrives here.
REPAIR_TIMEOUT_S = 60


@dataclass(frozen=True)
class FailuresArgs:
    deployment: Deployment


class Failures(Capability):
    """A batch that a stream's consumer gave up becomes an object, and the object a message.

    Outputs: bucket (name, arn), queue (url, arn), parked (name, arn).
    """

    def __init__(
        self, name: str, args: FailuresArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Failures", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        self.bucket = PrivateBucket(
            "failures-bucket",
            PrivateBucketArgs(deployment=deployment, key="failures", expire_days=90),
            child,
        )
        self.queue = ServiceQueue(
            "failed-batches",
            ServiceQueueArgs(
                deployment=deployment,
                key="failed-batches",
                consumer_timeout_s=REPAIR_TIMEOUT_S,
                senders=[Sender(service="s3.amazonaws.com", source_arn=self.bucket.arn)],
            ),
            child,
        )
        aws.s3.BucketNotification(
            "failures-bucket",
            bucket=self.bucket.name,
            queues=[{"queue_arn": self.queue.arn, "events": ["s3:ObjectCreated:*"]}],
            # S3 tries the queue when it is told of it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.queue.policy),
        )
        self.parked = ItemTable(
            "parked", ItemTableArgs(deployment=deployment, key="parked", layout=PARKED), child
        )
        self.queues = [self.queue]
        self.exports = {
            "failures_bucket": self.bucket.name,
            "parked_table": self.parked.name,
        }
        self.register_outputs({**self.exports, "queue": self.queue.url})
