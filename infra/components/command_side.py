"""Commands: over HTTP, and from the queue that carries other services' answers."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.event_sources import may_consume, read_queue
from infra.components.event_store import EventStore
from infra.components.personal_keys import PersonalKeys
from infra.components.publication import EVENTBRIDGE, Publication
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.components.service_queue import Sender, ServiceQueue, ServiceQueueArgs
from infra.components.table import ItemTable, ItemTableArgs
from infra.deployment import Deployment
from infra.policies import Statement, allow
from infra.routing import events_for
from reference_service.settings import CommandSettings, CommandWorkerSettings, environment
from reference_service.tables import SNAPSHOTS

COMMAND_QUEUE = "order-commands"
WORKER_TIMEOUT_S = 30


@dataclass(frozen=True)
class CommandSideArgs:
    deployment: Deployment
    event_store: EventStore
    publication: Publication
    personal_keys: PersonalKeys


class CommandSide(Capability):
    """Functions: command, command-worker. Queues: order-commands. A table of snapshots, when on."""

    def __init__(
        self, name: str, args: CommandSideArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:CommandSide", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        reads, may = self._orders(args, child)
        self.command = ServiceFunction(
            "command",
            ServiceFunctionArgs(
                deployment=deployment,
                key="command",
                timeout_s=10,
                environment=environment(
                    CommandSettings, **reads, **args.personal_keys.environment()
                ),
                statements=[*may, *args.personal_keys.seal()],
            ),
            child,
        )
        self.queue = self._queue(args)
        self.worker = ServiceFunction(
            "command-worker",
            ServiceFunctionArgs(
                deployment=deployment,
                key="command-worker",
                timeout_s=WORKER_TIMEOUT_S,
                environment=environment(CommandWorkerSettings, **reads),
                statements=[may_consume(self.queue.arn), *may],
            ),
            child,
        )
        at_once = deployment.settings.size.queue_concurrency
        read_queue(self.worker, self.queue, maximum_concurrency=at_once)
        self.functions, self.queues = [self.command, self.worker], [self.queue]
        self.register_outputs({"queue": self.queue.url})

    def _orders(
        self, args: CommandSideArgs, child: pulumi.ResourceOptions
    ) -> tuple[dict[str, pulumi.Input[str]], list[Statement]]:
        """What a function reads and may do to execute commands on orders."""
        settings = args.deployment.settings
        reads: dict[str, pulumi.Input[str]] = {
            "events_table": args.event_store.table_name,
            "writes": settings.writes,
        }
        if not settings.snapshot_every:
            return reads, [args.event_store.append()]
        table = ItemTable(
            "snapshots",
            ItemTableArgs(
                deployment=args.deployment, key="snapshots", layout=SNAPSHOTS, derived=True
            ),
            child,
        )
        reads |= {"snapshots_table": table.name, "snapshot_every": str(settings.snapshot_every)}
        self.exports = {"snapshots_table": table.name}
        keep = allow("KeepSnapshots", ["dynamodb:GetItem", "dynamodb:PutItem"], table.arn)
        return reads, [args.event_store.append(), keep]

    def _queue(self, args: CommandSideArgs) -> ServiceQueue:
        publication = args.publication
        taken = events_for(COMMAND_QUEUE)
        queue = ServiceQueue(
            COMMAND_QUEUE,
            ServiceQueueArgs(
                deployment=args.deployment,
                key=COMMAND_QUEUE,
                consumer_timeout_s=WORKER_TIMEOUT_S,
                senders=[
                    Sender(service=EVENTBRIDGE, source_arn=publication.rules[event].arn)
                    for event in taken
                ],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        for event in taken:
            publication.target(event, COMMAND_QUEUE, queue.arn, queue.policy)
        return queue
