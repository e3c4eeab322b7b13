"""What a stack tells: where its doors, stores, queues and functions are."""

from dataclasses import dataclass

import pulumi

from infra.components.capability import Inventory
from infra.components.database import Database
from infra.components.event_store import EventStore
from infra.components.failures import Failures
from infra.components.fulfilment import Fulfilment
from infra.components.http_api import HttpApi
from infra.components.ledger import Ledger
from infra.components.notification import Notification
from infra.components.ordered_log import OrderedLog
from infra.components.publication import Publication


@dataclass(frozen=True, kw_only=True)
class Exported:
    prefix: str
    inventory: Inventory
    http_api: HttpApi
    event_store: EventStore
    ordered_log: OrderedLog
    publication: Publication
    fulfilment: Fulfilment
    notification: Notification
    ledger: Ledger
    failures: Failures
    database: Database


def export(parts: Exported) -> None:
    """Read by `bitacora` (from the embedded engine, or `pulumi stack output --json`)."""
    database = parts.database
    values = {
        "prefix": parts.prefix,
        "api_url": parts.http_api.url,
        "events_table": parts.event_store.table_name,
        "events_stream_arn": parts.event_store.stream_arn,
        "evidence_bucket": parts.event_store.evidence.name,
        "log_stream": parts.ordered_log.stream_name,
        "bus_name": parts.publication.bus_name,
        "topic_arn": parts.publication.topic.arn,
        "notifications_topic_arn": parts.notification.topic.arn,
        "ledger_bucket": parts.ledger.bucket.name,
        "failures_bucket": parts.failures.bucket.name,
        "parked_table": parts.failures.parked.name,
        "shipments_table": parts.fulfilment.shipments.name,
        "queues": {queue.key: queue.url for queue in parts.inventory.queues},
        "functions": {function.key: function.name for function in parts.inventory.functions},
        "database": {
            "host": database.host,
            "port": database.port,
            "name": database.name,
            "cluster_arn": database.cluster_arn,
            "resource_id": database.resource_id,
        },
    }
    for name, value in values.items():
        pulumi.export(name, value)
