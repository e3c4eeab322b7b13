"""The topology, from the event store outwards: what stands where, and who is given what."""

from infra.components.capability import inventory
from infra.components.command_side import COMMANDS, CommandSide, CommandSideArgs
from infra.components.database import Database, DatabaseArgs
from infra.components.event_store import EventStore, EventStoreArgs
from infra.components.failures import Failures, FailuresArgs
from infra.components.fulfilment import Fulfilment, FulfilmentArgs
from infra.components.http_api import Backend, HttpApi, HttpApiArgs
from infra.components.ledger import Ledger, LedgerArgs
from infra.components.message_key import MessageKey, MessageKeyArgs
from infra.components.network import Network, NetworkArgs
from infra.components.notification import Notification, NotificationArgs
from infra.components.observability import Observability, ObservabilityArgs
from infra.components.operations import Operations, OperationsArgs
from infra.components.ordered_log import OrderedLog, OrderedLogArgs
from infra.components.publication import Publication, PublicationArgs
from infra.components.read_side import QUERIES, ReadSide, ReadSideArgs
from infra.deployment import current
from infra.exports import Exported, export

here = current()
network = Network("network", NetworkArgs(deployment=here))
message_key = MessageKey("messages", MessageKeyArgs(deployment=here))
failures = Failures("failures", FailuresArgs(deployment=here))

# The truth, and its two ways out.
event_store = EventStore("event-store", EventStoreArgs(deployment=here))
ordered_log = OrderedLog(
    "ordered-log", OrderedLogArgs(deployment=here, event_store=event_store, failures=failures)
)
publication = Publication(
    "publication",
    PublicationArgs(
        deployment=here, event_store=event_store, failures=failures, message_key=message_key
    ),
)

# What customers see.
database = Database("database", DatabaseArgs(deployment=here, network=network))
command_side = CommandSide(
    "command-side",
    CommandSideArgs(deployment=here, event_store=event_store, publication=publication),
)
read_side = ReadSide(
    "read-side",
    ReadSideArgs(
        deployment=here,
        network=network,
        database=database,
        event_store=event_store,
        ordered_log=ordered_log,
        failures=failures,
    ),
)
http_api = HttpApi(
    "http-api",
    HttpApiArgs(
        deployment=here,
        backends=[Backend(command_side.command, COMMANDS), Backend(read_side.query, QUERIES)],
    ),
)

# Who listens.
fulfilment = Fulfilment("fulfilment", FulfilmentArgs(deployment=here, publication=publication))
notification = Notification(
    "notification",
    NotificationArgs(deployment=here, publication=publication, message_key=message_key),
)
ledger = Ledger("ledger", LedgerArgs(deployment=here, publication=publication))

# What heals, and what watches.
operations = Operations(
    "operations",
    OperationsArgs(
        deployment=here,
        network=network,
        database=database,
        event_store=event_store,
        publication=publication,
        read_side=read_side,
        failures=failures,
    ),
)
everything = inventory(
    [
        failures,
        ordered_log,
        publication,
        command_side,
        read_side,
        fulfilment,
        notification,
        ledger,
        operations,
    ]
)
Observability(
    "observability",
    ObservabilityArgs(deployment=here, message_key=message_key, inventory=everything),
)

export(
    Exported(
        prefix=here.prefix,
        inventory=everything,
        http_api=http_api,
        event_store=event_store,
        ordered_log=ordered_log,
        publication=publication,
        fulfilment=fulfilment,
        notification=notification,
        ledger=ledger,
        failures=failures,
        database=database,
    )
)
