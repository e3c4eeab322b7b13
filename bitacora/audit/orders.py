"""What the events of an order come to: its row after each commit, and its public events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from bitacora.audit.findings import Finding
from bitacora.audit.observation import ORDER
from reference_service import public_events
from reference_service.bootstrap import customer_of
from reference_service.cqrs.cloud_event import cloud_event
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.decider import Codec
from reference_service.cqrs.heartbeat import is_heartbeat
from reference_service.customer.codec import CustomerCodec
from reference_service.order.codec import OrderCodec
from reference_service.order.decider import evolve, initial
from reference_service.order.events import Event
from reference_service.order.public import SOURCE, published
from reference_service.order.state import NotPlaced, Order
from reference_service.order.views import row
from reference_service.public_writer import PublicWriter
from reference_service.schemas import Schemas, Undecodable

E = TypeVar("E")


@dataclass(frozen=True)
class Told:
    """The public event that event `index` of a commit calls for."""

    commit: Commit
    index: int
    event: public_events.Event


@dataclass
class Fold:
    """As far as the commits can be folded: 1, 2, 3 … up to the first that can't follow.

    `rows` are by commit number, as PostgreSQL gives order_summary's columns; `public` is by event
    id; `events` counts every event that could be read. Of a customer's stream there is neither:
    `destroyed` are the ids of keys by the commit that tells of their end.
    """

    rows: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    public: dict[str, Told] = field(default_factory=dict)
    destroyed: dict[int, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    events: int = 0


class Orders:
    """The order service's own language: contracts, upcasters, `evolve` and the layout of a row."""

    def __init__(self, schemas: Schemas) -> None:
        self._codec = OrderCodec(schemas)
        self._customers = CustomerCodec(schemas)
        newest = max(public_events.VERSIONS.values())
        self._writers = [
            PublicWriter(schemas, {t: min(v, n) for t, n in public_events.VERSIONS.items()})
            for v in range(1, newest + 1)
        ]

    def fold(self, stream: str, commits: Sequence[Commit]) -> Fold:
        """Fold what can be folded; read every commit, so that each unreadable event is found.

        Heartbeats come to nothing: no row, and nothing to tell.
        """
        folded, state, placed_at = Fold(), initial(), ""
        for commit in commits:
            if is_heartbeat(commit):
                continue
            if customer_of(stream):
                for erased in self._read(commit, self._customers, folded):
                    folded.destroyed[commit.commit] = erased.key_id
                continue
            events = self._read(commit, self._codec, folded)
            if not events or commit.commit != len(folded.rows) + 1:
                continue
            try:
                state = self._step(stream, commit, events, state, folded)
            except ValueError as fault:  # ImpossibleEvent, or amounts of two currencies
                folded.findings.append(_unreadable(commit, str(fault)))
                continue
            placed_at = placed_at or commit.at
            if isinstance(state, NotPlaced):  # which no event leads to
                continue
            order_id = stream.removeprefix(ORDER)
            summary = row(order_id, state, commit.version, placed_at, commit.at)
            folded.rows[commit.commit] = msgspec.json.decode(msgspec.json.encode(summary))
        return folded

    def cloud_event(self, told: Told, version: int) -> dict[str, Any]:
        """The public event in a version of its contract: the newest known for one that is not."""
        writer = self._writers[version - 1 if 1 <= version <= len(self._writers) else -1]
        return cloud_event(told.commit, told.index, SOURCE, writer.content(told.event))

    @staticmethod
    def _read(commit: Commit, codec: Codec[E], folded: Fold) -> list[E]:
        """None that cannot be read: that is a finding, and so is a body without events."""
        try:
            events = codec.decode(commit.body)
        except Undecodable as fault:
            folded.findings.append(_unreadable(commit, str(fault)))
            return []
        folded.events += len(events)
        if len(events) != commit.count:
            detail = f"says {commit.count}, its body holds {len(events)}"
            folded.findings.append(Finding(commit.stream, commit.commit, "wrong-count", detail))
        return events

    @staticmethod
    def _step(
        stream: str, commit: Commit, events: Sequence[Event], state: Order, folded: Fold
    ) -> Order:
        told: dict[str, Told] = {}
        for index, event in enumerate(events):
            state = after = evolve(state, event)
            order_id, version = stream.removeprefix(ORDER), commit.first + index
            if (public := published(order_id, version, event, after)) is not None:
                told[f"{stream}/{commit.commit}/{index}"] = Told(commit, index, public)
        folded.public |= told
        return state


def _unreadable(commit: Commit, detail: str) -> Finding:
    return Finding(commit.stream, commit.commit, "unreadable-event", detail)
