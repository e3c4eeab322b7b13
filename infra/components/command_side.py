"""Commands: over HTTP, and from the queue that carries other services' answers."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.event_sources import may_consume, read_queue
from infra.components.event_store import EventStore
from infra.components.publication import EVENTBRIDGE, Publication
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.components.service_queue import Sender, ServiceQueue, ServiceQueueArgs
from infra.deployment import Deployment
from infra.routing import events_for
from reference_service.settings import CommandSettings, CommandWorkerSettings, environment

COMMAND_QUEUE = "order-commands"
WORKER_TIMEOUT_S = 30


@dataclass(frozen=True)
class CommandSideArgs:
    deployment: Deployment
    event_store: EventStore
    publication: Publication


class CommandSide(Capability):
    """Functions: command, command-worker. Queues: order-commands."""

    def __init__(
        self, name: str, args: CommandSideArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:CommandSide", name, None, opts)
        deployment, child = args.deployment, pulumi.ResourceOptions(parent=self)
        events_table, writes = args.event_store.table_name, deployment.settings.writes
        self.command = ServiceFunction(
            "command",
            ServiceFunctionArgs(
                deployment=deployment,
                key="command",
                timeout_s=10,
                environment=environment(CommandSettings, events_table=events_table, writes=writes),
                statements=[args.event_store.append()],
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
                environment=environment(
                    CommandWorkerSettings, events_table=events_table, writes=writes
                ),
                statements=[may_consume(self.queue.arn), args.event_store.append()],
            ),
            child,
        )
        read_queue(self.worker, self.queue, maximum_concurrency=5)
        self.functions, self.queues = [self.command, self.worker], [self.queue]
        self.register_outputs({"queue": self.queue.url})

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
