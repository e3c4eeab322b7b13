"""A read model for look-ups by key: a DynamoDB table that needs no network and no database."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.event_sources import (
    may_keep_failed_batches,
    may_read_kinesis_stream,
    read_stream,
)
from infra.components.event_store import EventStore
from infra.components.failures import Failures
from infra.components.ordered_log import OrderedLog
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.components.table import ItemTable, ItemTableArgs
from infra.deployment import Deployment
from infra.policies import Statement, allow
from reference_service.settings import StatusProjectorSettings, StatusSettings, environment
from reference_service.tables import ORDER_STATUS


@dataclass(frozen=True)
class OrderStatusArgs:
    deployment: Deployment
    event_store: EventStore
    ordered_log: OrderedLog
    failures: Failures


class OrderStatus(Capability):
    """Outputs: table (name, arn). Functions: status-projector, status."""

    def __init__(
        self, name: str, args: OrderStatusArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:OrderStatus", name, None, opts)
        self.args, self.child = args, pulumi.ResourceOptions(parent=self)
        self.table = ItemTable(
            "order-status",
            ItemTableArgs(deployment=args.deployment, key="order-status", layout=ORDER_STATUS),
            self.child,
        )
        self.status = self._status()
        self.stream_readers = [self._projector()]
        self.functions = [*self.stream_readers, self.status]
        self.exports = {"order_status_table": self.table.name}
        self.register_outputs({**self.exports})

    def project(self) -> Statement:
        """Gates are read a batch at a time and moved one by one: no role writes without a gate."""
        actions = ["dynamodb:BatchGetItem", "dynamodb:UpdateItem"]
        return allow("KeepStatus", actions, self.table.arn)

    def list_parked(self) -> Statement:
        return allow("ListParkedStatus", ["dynamodb:Scan"], self.table.index_arn)

    def _projector(self) -> ServiceFunction:
        args = self.args
        projector = ServiceFunction(
            "status-projector",
            ServiceFunctionArgs(
                deployment=args.deployment,
                key="status-projector",
                timeout_s=60,
                environment=environment(
                    StatusProjectorSettings,
                    events_table=args.event_store.table_name,
                    order_status_table=self.table.name,
                ),
                statements=[
                    may_read_kinesis_stream(args.ordered_log.stream_arn),
                    args.event_store.read(),
                    self.project(),
                    *may_keep_failed_batches(args.failures.bucket.arn),
                ],
            ),
            self.child,
        )
        read_stream(
            projector,
            source_arn=args.ordered_log.stream_arn,
            failures_arn=args.failures.bucket.arn,
            batch_size=100,
        )
        return projector

    def _status(self) -> ServiceFunction:
        return ServiceFunction(
            "status",
            ServiceFunctionArgs(
                deployment=self.args.deployment,
                key="status",
                timeout_s=10,
                environment=environment(StatusSettings, order_status_table=self.table.name),
                statements=[allow("LookUp", ["dynamodb:GetItem"], self.table.arn)],
            ),
            self.child,
        )
