"""What heals: repair and republish on request, failed batches as they come, a clock's reconcile."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.database import Database
from infra.components.event_sources import may_consume, read_queue
from infra.components.event_store import EventStore
from infra.components.failures import REPAIR_TIMEOUT_S, Failures
from infra.components.network import Network
from infra.components.publication import EVENTBRIDGE, Publication
from infra.components.read_side import ReadSide, database_environment
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.components.service_queue import DeadLetterQueue, DeadLetterQueueArgs, Sender
from infra.deployment import Deployment
from infra.policies import Statement, allow
from reference_service.settings import OperationsSettings, environment


@dataclass(frozen=True)
class OperationsArgs:
    deployment: Deployment
    network: Network
    database: Database
    event_store: EventStore
    publication: Publication
    read_side: ReadSide
    failures: Failures


class Operations(Capability):
    """Functions: operations."""

    def __init__(
        self, name: str, args: OperationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Operations", name, None, opts)
        self.args, self.child = args, pulumi.ResourceOptions(parent=self)
        minutes = args.deployment.settings.reconcile_minutes
        self.schedule = aws.cloudwatch.EventRule(
            "reconcile",
            name=args.deployment.name("reconcile"),
            schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            opts=self.child,
        )
        self.undone = DeadLetterQueue(
            "operations-dlq",
            DeadLetterQueueArgs(
                deployment=args.deployment,
                key="operations-dlq",
                senders=[Sender(service=EVENTBRIDGE, source_arn=self.schedule.arn)],
            ),
            self.child,
        )
        self.operations = ServiceFunction(
            "operations",
            ServiceFunctionArgs(
                deployment=args.deployment,
                key="operations",
                timeout_s=REPAIR_TIMEOUT_S,
                placement=args.network.functions,
                environment=environment(
                    OperationsSettings,
                    events_table=args.event_store.table_name,
                    bus_name=args.publication.bus_name,
                    failures_bucket=args.failures.bucket.name,
                    parked_table=args.failures.parked.name,
                    writes=args.deployment.settings.writes,
                    **database_environment(args.deployment, args.database, "operations"),
                ),
                statements=self._statements(),
            ),
            self.child,
        )
        self._reconcile_by_the_clock()
        read_queue(
            self.operations,
            args.failures.queue,
            maximum_concurrency=2,
            depends_on=[args.read_side.migrated],
        )
        self.functions, self.dead_letters = [self.operations], [self.undone]
        self.register_outputs({"dead_letters": self.undone.url})

    def _statements(self) -> list[Statement]:
        args = self.args
        marker = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query"]
        return [
            allow("ReadStreams", ["dynamodb:Query", "dynamodb:Scan"], args.event_store.table_arn),
            args.database.connect_as("operations"),
            args.publication.put_events(),
            allow("Markers", marker, args.failures.parked.arn),
            allow(
                "ReadFailedBatches",
                ["s3:GetObject"],
                pulumi.Output.concat(args.failures.bucket.arn, "/*"),
            ),
            may_consume(args.failures.queue.arn),
            allow("KeepUndone", ["sqs:SendMessage"], self.undone.arn),
        ]

    def _reconcile_by_the_clock(self) -> None:
        """EventBridge invokes without waiting: what fails, there or here, becomes a dead letter."""
        function = self.operations
        permission = aws.lambda_.Permission(
            "reconcile",
            statement_id="reconcile",
            action="lambda:InvokeFunction",
            function=function.name,
            principal=EVENTBRIDGE,
            source_arn=self.schedule.arn,
            opts=self.child,
        )
        aws.lambda_.FunctionEventInvokeConfig(
            "operations",
            function_name=function.name,
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=3600,
            destination_config={"on_failure": {"destination": self.undone.arn}},
            opts=self.child,
        )
        aws.cloudwatch.EventTarget(
            "reconcile",
            rule=self.schedule.name,
            target_id="operations",
            arn=function.arn,
            input=pulumi.Output.json_dumps({"operation": "reconcile"}),
            dead_letter_config={"arn": self.undone.arn},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[permission, *self.undone.policy, self.args.read_side.migrated],
            ),
        )
