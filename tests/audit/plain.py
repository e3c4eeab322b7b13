"""Every store of a small sound world as plain data, to be read by an audit and spoilt by a test."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bitacora.audit.source import Copies, Kept, Marker, Shipment, Stored, View, Witness
from reference_service.aws.items import from_item, to_item
from reference_service.bootstrap import project_order, public_events
from reference_service.cqrs.anchoring import Anchoring
from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.gate import after
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.order.codec import OrderCodec
from reference_service.order.events import Event
from reference_service.public_writer import PublicWriter
from reference_service.schemas import Schemas
from tests.cqrs.memory_anchors import InMemoryAnchors
from tests.order.ana import CANCELLED, TOTAL, paid
from tests.order.ana import SHIPPED as LIFE

SHIPPED = "order-11111111-1111-4111-8111-111111111111"
CANCEL = "order-22222222-2222-4222-8222-222222222222"
SHIPMENT = SHIPPED.replace("order-", "shipment-")
AT = "2026-01-01T00:00:0{}.000Z"
LATER = datetime.fromisoformat("2026-01-01T01:00:00Z")

SCHEMAS = Schemas.load()
CODEC = OrderCodec(SCHEMAS)
DISPATCHED = {"id": f"{SHIPMENT}/1/0", "time": AT.format(3), "type": "ShipmentDispatched"}


def history(stream: str, appends: Sequence[Sequence[Event]]) -> list[Commit]:
    commits: list[Commit] = []
    for number, events in enumerate(appends, start=1):
        commits.append(
            following(
                commits[-1] if commits else None,
                stream=stream,
                cause=Cause(
                    command_id=f"command-{number}",
                    fingerprint="f",
                    actor="customer",
                    causation="c",
                    correlation="c",
                ),
                body=CODEC.encode(events),
                count=len(events),
                at=AT.format(number),
                commit_id=f"{stream}-{number}",
            )
        )
    return commits


@dataclass
class PlainStores:
    """bitacora.audit.source.Source over dictionaries; `keys` are the ids of customers' keys.

    `looked_up` is order_status, of which the world has nothing until it is put there. `meanwhile`
    happens after the event store was scanned: what goes on while an audit looks.
    """

    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    read_model: dict[str, View] = field(default_factory=dict)
    looked_up: dict[str, View] = field(default_factory=dict)
    copies: dict[str, bytes] = field(default_factory=dict)
    shipped: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    parked: list[Marker] = field(default_factory=list)
    anchors: InMemoryAnchors = field(default_factory=InMemoryAnchors)
    changed: dict[str, int] = field(default_factory=dict)
    unlocked: set[str] = field(default_factory=set)
    retention: str | None = "COMPLIANCE for 90 days"
    sums: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], None] = lambda: None

    def store(self, commits: Sequence[Commit]) -> None:
        """The commits and everything that follows from them, once it has arrived."""
        stream = commits[0].stream
        self.items[stream] = [to_item(commit) for commit in commits]
        self.apply(commits)
        policy = public_events(SCHEMAS, CODEC, PublicWriter(SCHEMAS))
        for told in policy(commits, 1):
            for event in told:
                self.copies[event["id"]] = msgspec.json.encode(event)

    def apply(self, commits: Sequence[Commit]) -> None:
        row, project = None, project_order(CODEC)
        for commit in commits:
            row = project(row, commit)
        as_told = json.loads(msgspec.json.encode(row))
        self.read_model[commits[0].stream] = View(after(commits[-1]), as_told)

    def commits(self, stream: str) -> list[Commit]:
        return [from_item(item) for item in self.items[stream]]

    def histories(self) -> Iterator[Stored]:
        scanned = [Stored(stream, tuple(items)) for stream, items in self.items.items()]
        self.meanwhile()
        yield from scanned

    def history(self, stream: str) -> Stored:
        return Stored(stream, tuple(self.items.get(stream, ())))

    def views(self, streams: Sequence[str]) -> dict[str, View]:
        return {stream: self.read_model.get(stream, View()) for stream in streams}

    def viewed(self) -> Iterator[str]:
        return iter(list(self.read_model))

    def wrong_sums(self) -> list[str]:
        return self.sums

    def status(self, stream: str) -> View:
        return self.looked_up.get(stream, View())

    def personal_key(self, customer_id: str) -> str | None:
        return self.keys.get(customer_id)

    def statuses(self) -> Iterator[str]:
        return iter(list(self.looked_up))

    def markers(self) -> Iterator[Marker]:
        return iter(self.parked)

    def anchor(self, now: datetime) -> None:
        """What the anchor function does when the clock comes to `now`."""
        events = InMemoryEventStore()
        for stream in self.items:
            for commit in self.commits(stream):
                events.append(commit)
        assert Anchoring(events, self.anchors, lambda: now).go_on(timedelta(hours=1)).complete

    def kept(self) -> Iterator[Kept]:
        for name in self.anchors.names(""):
            yield Kept(name, "first", self.changed.get(name, 0))

    def witness(self, kept: Kept) -> Witness:
        return Witness(self.anchors.read(kept.name), kept.name not in self.unlocked)

    def lock(self) -> str | None:
        return self.retention

    def ledger(self, stream: str) -> Copies:
        return {name: body for name, body in self.copies.items() if name.startswith(f"{stream}/")}

    def recorded(self) -> Iterator[str]:
        return iter(list(self.copies))

    def shipments(self) -> Iterator[Shipment]:
        return (Shipment(stream, event) for stream, event in self.shipped.items())

    def shipment(self, stream: str) -> Shipment | None:
        return Shipment(stream, self.shipped[stream]) if stream in self.shipped else None


def world() -> PlainStores:
    """One order paid in two parts and shipped in four commits, one cancelled in two."""
    stores = PlainStores()
    placed, whole, confirmed, shipped = LIFE
    assert whole == paid(TOTAL)
    half = TOTAL.amount // 2
    first = paid(msgspec.structs.replace(TOTAL, amount=half), "payment-1")
    second = paid(msgspec.structs.replace(TOTAL, amount=TOTAL.amount - half), "payment-2")
    stores.store(history(SHIPPED, [[placed], [first], [second, confirmed], [shipped]]))
    stores.store(history(CANCEL, [[event] for event in CANCELLED]))
    stores.shipped = {SHIPMENT: DISPATCHED, CANCEL.replace("order-", "shipment-"): None}
    stores.copies[f"{SHIPMENT}/1/0"] = json.dumps(DISPATCHED).encode()
    return stores
