"""What heals: repair and republish on request, failed batches as they come, a clock's reconcile."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.database import Database
from infra.components.event_sources import may_consume, read_queue
from infra.components.event_store import EventStore
from infra.components.failures import REPAIR_TIMEOUT_S, Failures
from infra.components.network import Network
from infra.components.order_status import OrderStatus
from infra.components.publication import Publication
from infra.components.read_side import ReadSide, database_environment
from infra.components.schedule import Schedule, ScheduleArgs
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
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
    order_status: OrderStatus
    failures: Failures


class Operations(Capability):
    """Functions: operations."""

    def __init__(
        self, name: str, args: OperationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Operations", name, None, opts)
        self.args, self.child = args, pulumi.ResourceOptions(parent=self)
        self.schedule = Schedule(
            "reconcile",
            ScheduleArgs(
                deployment=args.deployment,
                key="reconcile",
                function_key="operations",
                minutes=args.deployment.settings.reconcile_minutes,
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
                    order_status_table=args.order_status.table.name,
                    writes=args.deployment.settings.writes,
                    **database_environment(args.deployment, args.database, "operations"),
                ),
                statements=self._statements(),
            ),
            self.child,
        )
        self.schedule.invoke(self.operations, {"operation": "reconcile"}, [args.read_side.migrated])
        read_queue(
            self.operations,
            args.failures.queue,
            maximum_concurrency=2,
            depends_on=[args.read_side.migrated],
        )
        self.functions, self.dead_letters = [self.operations], [self.schedule.dead_letters]
        self.register_outputs({"dead_letters": self.schedule.dead_letters.url})

    def _statements(self) -> list[Statement]:
        args = self.args
        marker = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query"]
        return [
            allow("ReadStreams", ["dynamodb:Query", "dynamodb:Scan"], args.event_store.table_arn),
            args.database.connect_as("operations"),
            args.publication.put_events(),
            allow("Markers", marker, args.failures.parked.arn),
            args.order_status.project(),
            args.order_status.list_parked(),
            allow(
                "ReadFailedBatches",
                ["s3:GetObject"],
                pulumi.Output.concat(args.failures.bucket.arn, "/*"),
            ),
            may_consume(args.failures.queue.arn),
            self.schedule.keep_undone(),
        ]
