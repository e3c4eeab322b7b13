"""The topology, from the event store outwards: what stands where, and who is given what."""

from infra.components.anchors import Anchors, AnchorsArgs
from infra.components.capability import inventory
from infra.components.command_side import CommandSide, CommandSideArgs
from infra.components.database import Database, DatabaseArgs
from infra.components.erasure import Erasure, ErasureArgs
from infra.components.event_store import EventStore, EventStoreArgs
from infra.components.failures import Failures, FailuresArgs
from infra.components.fulfilment import Fulfilment, FulfilmentArgs
from infra.components.heartbeat import Heartbeat, HeartbeatArgs
from infra.components.http_api import HttpApi, HttpApiArgs
from infra.components.ledger import Ledger, LedgerArgs
from infra.components.message_key import MessageKey, MessageKeyArgs
from infra.components.network import Network, NetworkArgs
from infra.components.notification import Notification, NotificationArgs
from infra.components.observability import Observability, ObservabilityArgs
from infra.components.operations import Operations, OperationsArgs
from infra.components.order_status import OrderStatus, OrderStatusArgs
from infra.components.ordered_log import OrderedLog, OrderedLogArgs
from infra.components.personal_keys import PersonalKeys, PersonalKeysArgs
from infra.components.publication import Publication, PublicationArgs
from infra.components.read_side import ReadSide, ReadSideArgs
from infra.deployment import current
from infra.exports import export

here = current()
network = Network("network", NetworkArgs(here))
message_key = MessageKey("messages", MessageKeyArgs(here))
failures = Failures("failures", FailuresArgs(here))

# The truth, and its two ways out.
event_store = EventStore("event-store", EventStoreArgs(here))
ordered_log = OrderedLog("ordered-log", OrderedLogArgs(here, event_store, failures))
publication = Publication("publication", PublicationArgs(here, event_store, failures, message_key))

# What customers meet.
database = Database("database", DatabaseArgs(here, network))
personal_keys = PersonalKeys("personal-keys", PersonalKeysArgs(here))
command_side = CommandSide(
    "command-side", CommandSideArgs(here, event_store, publication, personal_keys)
)
read_side = ReadSide(
    "read-side",
    ReadSideArgs(here, network, database, event_store, ordered_log, failures, personal_keys),
)
order_status = OrderStatus(
    "order-status", OrderStatusArgs(here, event_store, ordered_log, failures)
)
erasure = Erasure("erasure", ErasureArgs(here, event_store, ordered_log, failures, personal_keys))
answering = [command_side.command, erasure.erasure, read_side.query, order_status.status]
http_api = HttpApi("http-api", HttpApiArgs(here, answering))

# Who listens.
fulfilment = Fulfilment("fulfilment", FulfilmentArgs(here, publication))
notification = Notification("notification", NotificationArgs(here, publication, message_key))
ledger = Ledger("ledger", LedgerArgs(here, publication))

# What heals, what bears witness, and what watches.
operations = Operations(
    "operations",
    OperationsArgs(
        here, network, database, event_store, publication, read_side, order_status, failures
    ),
)
heartbeat = Heartbeat("heartbeat", HeartbeatArgs(here, event_store))
anchors = Anchors("anchors", AnchorsArgs(here, event_store))
topology = [failures, event_store, ordered_log, publication, database, command_side, read_side]
topology += [
    personal_keys,
    erasure,
    order_status,
    http_api,
    fulfilment,
    notification,
    ledger,
    operations,
]
topology += [heartbeat, anchors]
everything = inventory(topology)
Observability("observability", ObservabilityArgs(here, message_key, everything))
export(here, topology, everything)
