"""Key layout of the DynamoDB tables: pure data, read by the adapters and by infra."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Key:
    """`kind` is DynamoDB's attribute type: S for text, N for numbers."""

    name: str
    kind: Literal["S", "N"]


@dataclass(frozen=True)
class Index:
    """A global secondary index: of the items that have both keys, with the attributes `shown`."""

    name: str
    partition: Key
    sort: Key
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    partition: Key
    sort: Key | None = None
    index: Index | None = None

    @property
    def keys(self) -> tuple[Key, ...]:
        """Of the table and its index, each once."""
        own = (self.partition, *([self.sort] if self.sort else ()))
        of_index = (self.index.partition, self.index.sort) if self.index else ()
        return tuple(dict.fromkeys((*own, *of_index)))


EVENTS = Table(partition=Key("stream", "S"), sort=Key("commit", "N"))
SHIPMENTS = Table(partition=Key("order_id", "S"))
PARKED = Table(partition=Key("consumer", "S"), sort=Key("stream", "S"))
SNAPSHOTS = Table(partition=Key("stream", "S"))
PERSONAL_KEYS = Table(partition=Key("customer_id", "S"))
# An item has `parked` only while its stream is parked, so the index holds those alone: it costs
# nothing while all is well. Its partition key spreads what is parked at once.
ORDER_STATUS = Table(
    partition=Key("stream", "S"),
    index=Index("parked", Key("stream", "S"), Key("parked", "N"), shown=("reason", "since")),
)

# The version of the read model of orders in PostgreSQL: its tables and what is in them. Another one
# is built beside the live one when it is deployed.
ORDERS_VERSION = 1
