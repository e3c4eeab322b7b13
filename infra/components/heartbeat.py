"""A sign of life each minute, the whole way of a commit: what lags shows although nobody writes."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.event_store import EventStore
from infra.components.schedule import Schedule, ScheduleArgs
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.deployment import Deployment
from reference_service.settings import HeartbeatSettings, environment

MINUTES = 1


@dataclass(frozen=True)
class HeartbeatArgs:
    deployment: Deployment
    event_store: EventStore


class Heartbeat(Capability):
    """Functions: heartbeat."""

    def __init__(
        self, name: str, args: HeartbeatArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Heartbeat", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        schedule = Schedule(
            "heartbeat",
            ScheduleArgs(
                deployment=deployment,
                key="heartbeat",
                function_key="heartbeat",
                minutes=MINUTES,
                enabled=deployment.settings.heartbeat,
            ),
            child,
        )
        heartbeat = ServiceFunction(
            "heartbeat",
            ServiceFunctionArgs(
                deployment=deployment,
                key="heartbeat",
                timeout_s=30,
                environment=environment(
                    HeartbeatSettings,
                    events_table=args.event_store.table_name,
                    log_shards=str(deployment.settings.size.log_shards),
                ),
                statements=[args.event_store.append(), schedule.keep_undone()],
            ),
            child,
        )
        schedule.invoke(heartbeat, {})
        self.functions, self.dead_letters = [heartbeat], [schedule.dead_letters]
        self.register_outputs({"dead_letters": schedule.dead_letters.url})
