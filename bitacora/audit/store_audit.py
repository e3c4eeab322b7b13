"""The audit of a target's stores: every stream in every store, one after the other.

While it looks, commands go on. So a stream with anything to be found is looked at again, this time
what follows first and the event store last, and only that counts: what follows can't be ahead then.

Held in memory: the streams of a batch whole, the name of every stream seen (about 100 bytes each),
half a kilobyte for each anchor, and the findings; on disk the anchored heads, about 130 bytes each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Literal, TypeVar

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from bitacora.audit.anchors import Anchored, anchored
from bitacora.audit.findings import Finding
from bitacora.audit.observation import ORDER, SHIPMENT
from bitacora.audit.orders import Orders
from bitacora.audit.source import READERS, Source
from bitacora.audit.stream_audit import Clock, Lag, Look, look, look_at_shipment
from reference_service.bootstrap import customer_of
from reference_service.cqrs.store import Unavailable

T = TypeVar("T")
BATCH_STREAMS = 64
KEPT_LAGS = 10

Verdict = Literal["holds", "violated", "unknown"]


@dataclass
class Report:
    """`counts` tell what was looked at, `unread` why the audit could not go on, if it could not.

    `lags` are rows behind their head, the longest waiting first, KEPT_LAGS at most. Every commit
    acknowledged before `anchored_up_to` is anchored (empty: none is, None: not read); `lock` says
    how the anchors are kept.
    """

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lags: list[Lag] = field(default_factory=list)
    anchored_up_to: str | None = None
    lock: str = ""
    unread: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.findings:
            return "violated"
        observed = self.counts["commits"] or self.counts["ledger events"]
        return "holds" if observed and not self.unread else "unknown"

    @property
    def reason(self) -> str:
        """The verdict in words."""
        if self.findings:
            streams = len({finding.stream for finding in self.findings} - {""})
            where = f" in {_of(streams, 'stream')}" if streams else ""
            return _of(len(self.findings), "finding") + where
        if self.unread:
            return f"the stores could not be read: {self.unread}"
        if self.verdict == "unknown":
            return "there is nothing to look at"
        return "everything downstream says what the event store says"


def audit(
    source: Source,
    orders: Orders,
    clock: Clock,
    *,
    stream: str | None = None,
    tell: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Audit every stream, or one. `tell` is called again and again with the report so far.

    A store that can't be read is told in the report; it raises nothing of its own.
    """
    report = Report()
    try:
        anchors = anchored(source)
        report.anchored_up_to, report.lock = anchors.up_to, anchors.lock
        looks = _Looks(source, orders, clock, anchors)
        for seen in looks.one(stream) if stream else looks.all():
            _add(report, seen)
            tell(report)
    except (psycopg.Error, BotoCoreError, ClientError, Unavailable) as fault:
        report.unread = str(fault).partition("\n")[0]
    return report


def _add(report: Report, seen: Look) -> None:
    report.findings += seen.findings
    report.counts += seen.counts
    if seen.lag:
        lags = [*report.lags, seen.lag]
        report.lags = sorted(lags, key=lambda lag: -lag.waiting_s)[:KEPT_LAGS]


class _Looks:
    """A look at each stream; `_seen` are the streams that were looked at.

    The anchors were read before: what is anchored is in the event store since.
    """

    def __init__(self, source: Source, orders: Orders, clock: Clock, anchors: Anchored) -> None:
        self._source = source
        self._orders = orders
        self._clock = clock
        self._anchors = anchors
        self._seen: set[str] = set()

    def all(self) -> Iterator[Look]:
        yield self._anchored()
        with ThreadPoolExecutor(READERS) as readers:
            yield from self._histories(readers)
            yield from self._shipments(readers)
        yield from map(self._again, self._unseen(self._anchors.heads.streams()))
        yield from map(self._again, self._unseen(self._source.viewed()))
        yield from map(self._again, self._unseen(self._source.statuses()))
        yield from self._recorded()
        yield self._markers(None)
        yield self._sums()

    def one(self, stream: str) -> Iterator[Look]:
        """An order's stream with the shipment's, which is the order's too."""
        yield self._anchored()
        yield self._again(stream)
        if stream.startswith(ORDER):
            yield self._again(SHIPMENT + stream.removeprefix(ORDER))
        yield self._markers(stream)

    def _anchored(self) -> Look:
        counts = {"anchors": self._anchors.anchors, "anchored heads": len(self._anchors.heads)}
        return Look(self._anchors.findings, Counter(counts))

    def _histories(self, readers: ThreadPoolExecutor) -> Iterator[Look]:
        for batch in _batches(self._source.histories()):
            names = [stored.stream for stored in batch]
            self._seen.update(names)
            views = self._source.views(names)
            statuses = readers.map(self._source.status, names)
            ledgers = readers.map(self._source.ledger, names)
            keys = readers.map(self._key, names)
            for stored, status, copies, key in zip(batch, statuses, ledgers, keys, strict=True):
                view = views[stored.stream]
                anchors = self._anchors.heads.of(stored.stream)
                seen = look(self._orders, stored, view, status, copies, self._clock, anchors, key)
                yield self._again(stored.stream) if seen.findings else seen

    def _shipments(self, readers: ThreadPoolExecutor) -> Iterator[Look]:
        for batch in _batches(self._source.shipments()):
            names = [shipment.stream for shipment in batch]
            self._seen.update(names)
            ledgers = readers.map(self._source.ledger, names)
            for shipment, copies in zip(batch, ledgers, strict=True):
                seen = look_at_shipment(shipment.stream, shipment, copies, self._clock)
                yield self._again(shipment.stream) if seen.findings else seen

    def _recorded(self) -> Iterator[Look]:
        """What the ledger holds of streams that no store knows."""
        for event_id in self._source.recorded():
            stream, slash, _ = event_id.partition("/")
            if not slash:
                finding = Finding("", None, "invented-event", f"{event_id}: no public event's id")
                yield Look([finding], Counter({"ledger events": 1}))
            else:
                yield from map(self._again, self._unseen([stream]))

    def _markers(self, stream: str | None) -> Look:
        """The streams that the relay or the publisher parked."""
        seen = Look()
        for marker in self._source.markers():
            if stream in (None, marker.stream):
                detail = f"{marker.consumer}: {marker.reason}"
                seen.findings.append(Finding(marker.stream, marker.commit, "parked", detail))
        return seen

    def _sums(self) -> Look:
        """Sums belong to no stream; the rows under them were held against the events."""
        wrong = self._source.wrong_sums()
        return Look([Finding("", None, "altered-sum", which) for which in wrong])

    def _unseen(self, streams: Iterable[str]) -> Iterator[str]:
        for stream in streams:
            if stream not in self._seen:
                self._seen.add(stream)
                yield stream

    def _again(self, stream: str) -> Look:
        """A look in the order in which nothing can be ahead of what it follows from."""
        copies = self._source.ledger(stream)
        if stream.startswith(SHIPMENT):
            return look_at_shipment(stream, self._source.shipment(stream), copies, self._clock)
        view, status = self._source.views([stream])[stream], self._source.status(stream)
        key = self._key(stream)
        stored, anchors = self._source.history(stream), self._anchors.heads.of(stream)
        return look(self._orders, stored, view, status, copies, self._clock, anchors, key)

    def _key(self, stream: str) -> str | None:
        customer = customer_of(stream)
        return self._source.personal_key(customer) if customer else None


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    for first in rest:
        yield list(chain([first], islice(rest, BATCH_STREAMS - 1)))


def _of(count: int, name: str) -> str:
    return f"1 {name}" if count == 1 else f"{count} {name}s"
