"""The internal way: the relay copies commits into the log, in order per stream."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.event_sources import (
    may_keep_failed_batches,
    may_read_dynamodb_stream,
    read_stream,
)
from infra.components.event_store import EventStore
from infra.components.failures import Failures
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.deployment import Deployment
from infra.policies import allow
from reference_service.settings import RelaySettings, environment

RETENTION_HOURS = 7 * 24


@dataclass(frozen=True)
class OrderedLogArgs:
    deployment: Deployment
    event_store: EventStore
    failures: Failures


class OrderedLog(Capability):
    """Outputs: stream_name, stream_arn. Functions: relay."""

    def __init__(
        self, name: str, args: OrderedLogArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:OrderedLog", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        stream = aws.kinesis.Stream(
            "log",
            name=deployment.name("log"),
            shard_count=deployment.settings.size.log_shards,
            stream_mode_details={"stream_mode": "PROVISIONED"},
            retention_period=RETENTION_HOURS,
            encryption_type="KMS",
            kms_key_id="alias/aws/kinesis",
            opts=child,
        )
        self.stream_name, self.stream_arn = stream.name, stream.arn
        failures, evidence = args.failures, args.event_store.evidence
        self.relay = ServiceFunction(
            "relay",
            ServiceFunctionArgs(
                deployment=deployment,
                key="relay",
                timeout_s=60,
                environment=environment(
                    RelaySettings,
                    log_stream=self.stream_name,
                    evidence_bucket=evidence.name,
                    parked_table=failures.parked.name,
                ),
                statements=[
                    may_read_dynamodb_stream(args.event_store.stream_arn),
                    allow("WriteLog", ["kinesis:PutRecords"], self.stream_arn),
                    allow(
                        "KeepEvidence",
                        ["s3:PutObject"],
                        pulumi.Output.concat(evidence.arn, "/*"),
                    ),
                    allow("Park", ["dynamodb:PutItem"], failures.parked.arn),
                    *may_keep_failed_batches(failures.bucket.arn),
                ],
            ),
            child,
        )
        self.functions = [self.relay]
        self.stream_readers = [self.relay]
        read_stream(
            self.relay,
            source_arn=args.event_store.stream_arn,
            failures_arn=failures.bucket.arn,
            batch_size=100,
        )
        self.exports = {"log_stream": self.stream_name}
        self.register_outputs({**self.exports, "stream_arn": self.stream_arn})
