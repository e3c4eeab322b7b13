"""What an audit reads, and in which form: the seam to the stores of a target."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from reference_service.cqrs.gate import Gate

# An item of the event store, as DynamoDB's API gives it: {"stream": {"S": …}, …}.
Item: TypeAlias = Mapping[str, Any]
# How many of a source's methods may be called at once; botocore's pool has 10 connections.
READERS = 8
# The ledger's objects of one stream: public event id → content.
Copies: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True)
class Stored:
    """All items of one stream."""

    stream: str
    items: Sequence[Item]


@dataclass(frozen=True)
class Marker:
    """A consumer that can't go past a commit of a stream."""

    consumer: str
    stream: str
    commit: int
    reason: str


@dataclass(frozen=True)
class View:
    """What a read model says of a stream.

    `row` is order_summary's by column, times as text, or order_status's by attribute.
    """

    gate: Gate | None = None
    row: Mapping[str, Any] | None = None
    parked: Marker | None = None


@dataclass(frozen=True)
class Shipment:
    """Fulfilment's record: the event that it published, None for a shipment that was cancelled."""

    stream: str
    event: Mapping[str, Any] | None


@dataclass(frozen=True)
class Kept:
    """An object of the anchors' bucket as it was put first; `changes` count what came later.

    Those are other contents under its name, and marks of deletion; `version` is S3's.
    """

    name: str
    version: str
    changes: int = 0


@dataclass(frozen=True)
class Witness:
    """The content of an object that bears witness, and whether a retention keeps it."""

    stored: bytes
    locked: bool


class Source(Protocol):
    """Reads only. What is asked for by stream is as new as the call; iterators page by page.

    Every method raises what its stores raise: psycopg's and botocore's errors, Unavailable.
    """

    def histories(self) -> Iterator[Stored]:
        """Every stream of the event store, each whole and once."""

    def history(self, stream: str) -> Stored:
        """Of a stream that the event store does not have: without items."""

    def views(self, streams: Sequence[str]) -> dict[str, View]:
        """Every one of the streams, gate and row of one moment."""

    def viewed(self) -> Iterator[str]:
        """Every stream that has a gate, a row or a parked marker, once or more often."""

    def kept(self) -> Iterator[Kept]:
        """Every object of the anchors' bucket, hidden ones too."""

    def witness(self, kept: Kept) -> Witness: ...

    def lock(self) -> str | None:
        """How the anchors' bucket keeps what is put into it, as "COMPLIANCE for 90 days"."""

    def wrong_sums(self) -> list[str]:
        """Which sums over order_summary are not those of its rows, in words; the first of them."""

    def status(self, stream: str) -> View:
        """As order_status has it."""

    def personal_key(self, customer_id: str) -> str | None:
        """The id of the key that the customer has now."""

    def statuses(self) -> Iterator[str]:
        """Every stream that order_status has, once."""

    def markers(self) -> Iterator[Marker]:
        """The parked markers of the relay and the publisher."""

    def ledger(self, stream: str) -> Copies:
        """What the ledger holds of the stream's public events."""

    def recorded(self) -> Iterator[str]:
        """The id of every event in the ledger."""

    def shipments(self) -> Iterator[Shipment]:
        """Every record of fulfilment."""

    def shipment(self, stream: str) -> Shipment | None:
        """By the shipment's stream."""
