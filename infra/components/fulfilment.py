"""The second service: its own table, reached by events, answering with an event."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Capability
from infra.components.publication import Publication
from infra.components.table import ItemTable, ItemTableArgs
from infra.components.topic_consumer import TopicConsumer, TopicConsumerArgs
from infra.deployment import Deployment
from infra.policies import allow
from reference_service.settings import FulfilmentSettings, environment
from reference_service.tables import SHIPMENTS


@dataclass(frozen=True)
class FulfilmentArgs:
    deployment: Deployment
    publication: Publication


class Fulfilment(Capability):
    """Outputs: shipments (name, arn). Functions: fulfilment. Queues: fulfilment."""

    def __init__(
        self, name: str, args: FulfilmentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Fulfilment", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.shipments = ItemTable(
            "shipments",
            ItemTableArgs(deployment=args.deployment, key="shipments", layout=SHIPMENTS),
            child,
        )
        consumer = TopicConsumer(
            "fulfilment-consumer",
            TopicConsumerArgs(
                deployment=args.deployment,
                publication=args.publication,
                consumer="fulfilment",
                function_key="fulfilment",
                environment=environment(
                    FulfilmentSettings,
                    shipments_table=self.shipments.name,
                    bus_name=args.publication.bus_name,
                    writes=args.deployment.settings.writes,
                ),
                statements=[
                    allow("KeepShipments", ["dynamodb:PutItem"], self.shipments.arn),
                    args.publication.put_events(),
                ],
            ),
            child,
        )
        self.functions, self.queues = [consumer.function], [consumer.queue]
        self.exports = {"shipments_table": self.shipments.name}
        self.register_outputs({**self.exports})
