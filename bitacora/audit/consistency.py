"""Whether everything downstream says what the event store says: pure over an observation."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bitacora.audit.chain import chain
from bitacora.audit.observation import ORDER, SHIPMENT, Observation, stream_of
from reference_service.bootstrap import customer_of
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.heartbeat import is_heartbeat
from reference_service.customer.codec import CustomerCodec
from reference_service.order.codec import OrderCodec
from reference_service.order.events import Event, PaymentReceived
from reference_service.schemas import Schemas, Undecodable

CODEC = OrderCodec(Schemas.load())
CUSTOMERS = CustomerCodec(Schemas.load())
STATUSES = {
    "OrderPlaced": "placed",
    "OrderConfirmed": "confirmed",
    "OrderShipped": "shipped",
    "OrderCancelled": "cancelled",
}

Kind = Literal["broken", "doubled", "missing", "invisible", "phantom", "parked", "unshipped"]


@dataclass(frozen=True)
class Inconsistency:
    """`where` names the store, `subject` the stream or the event id."""

    kind: Kind
    where: str
    subject: str
    detail: str

    @property
    def is_final(self) -> bool:
        """Waiting cannot cure it. (What fulfilment did may be recorded between two looks.)"""
        return self.kind in ("broken", "doubled", "phantom") and not (
            self.kind == "phantom" and self.where == "event store"
        )


def inconsistencies(seen: Observation, public: Collection[str]) -> list[Inconsistency]:
    """Every difference between the event store and what follows from it.

    `public` are the types of the order service's public events.
    """
    return [
        *_histories(seen),
        *_read_model(seen),
        *_ledger(seen, public),
        *_shipments(seen),
    ]


def event_types(commit: Commit) -> list[str]:
    """Its events by type; none when they cannot be read, which `inconsistencies` tells."""
    return [type(event).__name__ for event in _events(commit)]


def public_ids(seen: Observation, public: Collection[str]) -> set[str]:
    """Ids of the public events that the stored commits and fulfilment's records call for."""
    orders = {
        f"{commit.stream}/{commit.commit}/{index}"
        for commits in seen.commits.values()
        for commit in commits
        for index, kind in enumerate(event_types(commit))
        if kind in public
    }
    return orders | {f"{_shipment_id(stream)}/1/0" for stream in _dispatched(seen)}


def _histories(seen: Observation) -> Iterator[Inconsistency]:
    for stream, commits in seen.commits.items():
        for broken in chain(commits):
            kind: Kind = "doubled" if broken.kind == "repeated-command" else "broken"
            detail = f"commit {broken.commit}: {broken.detail}"
            yield Inconsistency(kind, "event store", stream, detail)
        for found in commits:
            if not is_heartbeat(found) and (reason := _unreadable(found)):
                detail = f"commit {found.commit} cannot be read: {reason}"
                yield Inconsistency("broken", "event store", stream, detail)


def _read_model(seen: Observation) -> Iterator[Inconsistency]:
    for stream, commits in seen.commits.items():
        if not stream.startswith(ORDER):
            continue  # its gate is held by bitacora.audit.gates, and it has no row
        head, gate, row = commits[-1], seen.gates.get(stream), seen.rows.get(stream)
        if gate is None or row is None:
            yield Inconsistency("invisible", "read model", stream, f"not at commit {head.commit}")
        elif gate.commit > head.commit or row["version"] > head.version:
            detail = f"at version {row['version']}, the store at {head.version}"
            yield Inconsistency("phantom", "read model", stream, detail)
        elif gate.commit < head.commit:
            detail = f"at commit {gate.commit} of {head.commit}"
            yield Inconsistency("invisible", "read model", stream, detail)
        elif gate.hash != head.hash:
            detail = f"its gate is at another commit {gate.commit} than the store's"
            yield Inconsistency("broken", "read model", stream, detail)
        elif all(_events(commit) for commit in commits):
            told = _told(commits)
            if wrong := {name: row[name] for name, value in told.items() if row[name] != value}:
                detail = f"the row says {wrong}, the events {told}"
                yield Inconsistency("broken", "read model", stream, detail)
    for stream in (seen.rows.keys() | seen.gates.keys()) - seen.commits.keys():
        yield Inconsistency("phantom", "read model", stream, "no such stream in the store")
    for stream, reason in seen.parked.items():
        yield Inconsistency("parked", "read model", stream, reason)


def _told(commits: Sequence[Commit]) -> dict[str, Any]:
    """What a row must say, told from the events without the projection's own code."""
    events = [event for commit in commits for event in _events(commit)]
    types = [type(event).__name__ for event in events]
    payments = [event.amount for event in events if isinstance(event, PaymentReceived)]
    return {
        "version": commits[-1].version,
        "status": [STATUSES[kind] for kind in types if kind in STATUSES][-1],
        "paid": sum(payment.amount for payment in payments),
    }


def _events(commit: Commit) -> list[Event]:
    """Of an order, in their newest versions; none when they cannot be read."""
    try:
        return CODEC.decode(commit.body) if commit.stream.startswith(ORDER) else []
    except Undecodable:
        return []


def _unreadable(commit: Commit) -> str | None:
    try:
        (CUSTOMERS if customer_of(commit.stream) else CODEC).decode(commit.body)
    except Undecodable as fault:
        return fault.reason
    return None


def _ledger(seen: Observation, public: Collection[str]) -> Iterator[Inconsistency]:
    called_for = public_ids(seen, public)
    for event_id in called_for - seen.ledger.keys():
        yield Inconsistency("missing", "ledger", event_id, "published by no copy")
    for event_id in seen.ledger.keys() - called_for:
        yield Inconsistency("phantom", "ledger", event_id, f"not in {stream_of(event_id)}")
    for event_id, copies in seen.ledger.items():
        if len(copies) > 1:
            yield Inconsistency("doubled", "ledger", event_id, f"{len(copies)} copies")


def _shipments(seen: Observation) -> Iterator[Inconsistency]:
    """A confirmed order is shipped, unless it was cancelled first; a dispatch is on record."""
    dispatched = _dispatched(seen)
    for stream, commits in seen.commits.items():
        types = {kind for commit in commits for kind in event_types(commit)}
        recorded = bool(types & {"OrderShipped", "ReturnRequested"})
        if "OrderConfirmed" in types and "OrderCancelled" not in types and stream not in dispatched:
            yield Inconsistency("unshipped", "fulfilment", stream, "confirmed, not dispatched")
        if stream in dispatched and not recorded:
            yield Inconsistency("unshipped", "event store", stream, "dispatched, not recorded")
        if stream in dispatched and "OrderConfirmed" not in types:
            yield Inconsistency("phantom", "fulfilment", stream, "dispatched, never confirmed")
        if recorded and stream not in dispatched:
            yield Inconsistency("phantom", "event store", stream, "recorded, never dispatched")


def _dispatched(seen: Observation) -> set[str]:
    return {stream for stream, found in seen.shipments.items() if found["status"] == "dispatched"}


def _shipment_id(stream: str) -> str:
    return SHIPMENT + stream.partition("-")[2]
