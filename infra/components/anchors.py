"""The heads of all streams, kept regularly where nobody can change or remove them."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.event_store import EventStore
from infra.components.private_bucket import PrivateBucket, PrivateBucketArgs
from infra.components.schedule import Schedule, ScheduleArgs
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.deployment import Deployment
from infra.policies import Statement, allow
from reference_service.settings import AnchorSettings, environment

# Three times as long as an anchor of all streams is due (cqrs/anchoring.FULL_AFTER): the head of
# each stream is locked at any time, though it never changes again.
LOCKED_DAYS = 90
# The longest that Lambda gives. What is not done by then is continued by the next run.
TIMEOUT_S = 900


@dataclass(frozen=True)
class AnchorsArgs:
    deployment: Deployment
    event_store: EventStore


class Anchors(Capability):
    """Outputs: bucket (name, arn). Functions: anchor."""

    def __init__(
        self, name: str, args: AnchorsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Anchors", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        self.bucket = PrivateBucket(
            "anchors",
            PrivateBucketArgs(
                deployment=deployment,
                key="anchors",
                locked_days=LOCKED_DAYS,
                # Even the account's root user can't end it: such a bucket outlives its stack.
                locked_for_all=not deployment.settings.disposable,
            ),
            child,
        )
        schedule = Schedule(
            "anchor",
            ScheduleArgs(
                deployment=deployment,
                key="anchor",
                function_key="anchor",
                minutes=deployment.settings.anchor_minutes,
            ),
            child,
        )
        function = ServiceFunction(
            "anchor",
            ServiceFunctionArgs(
                deployment=deployment,
                key="anchor",
                timeout_s=TIMEOUT_S,
                environment=environment(
                    AnchorSettings,
                    events_table=args.event_store.table_name,
                    anchors_bucket=self.bucket.name,
                ),
                statements=[*self._statements(args.event_store), schedule.keep_undone()],
            ),
            child,
        )
        schedule.invoke(function, {"operation": "anchor"})
        self.functions, self.dead_letters = [function], [schedule.dead_letters]
        self.exports = {"anchors_bucket": self.bucket.name}
        self.register_outputs({**self.exports})

    def _statements(self, event_store: EventStore) -> list[Statement]:
        every_object = pulumi.Output.concat(self.bucket.arn, "/*")
        return [
            allow("ReadHeads", ["dynamodb:Query", "dynamodb:Scan"], event_store.table_arn),
            allow("GoOn", ["s3:GetObject"], every_object),
            allow("Keep", ["s3:PutObject"], every_object),
            allow("FindNewest", ["s3:ListBucket"], self.bucket.arn),
        ]
