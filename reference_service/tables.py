"""Key layout of the DynamoDB tables: pure data, read by the adapters and by infra."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Key:
    """`kind` is DynamoDB's attribute type: S for text, N for numbers."""

    name: str
    kind: Literal["S", "N"]


@dataclass(frozen=True)
class Table:
    partition: Key
    sort: Key | None = None


EVENTS = Table(partition=Key("stream", "S"), sort=Key("commit", "N"))
SHIPMENTS = Table(partition=Key("order_id", "S"))
PARKED = Table(partition=Key("consumer", "S"), sort=Key("stream", "S"))

# The version of the read model of orders in PostgreSQL: its tables and what is in them. Another one
# is built beside the live one when it is deployed.
ORDERS_VERSION = 1
