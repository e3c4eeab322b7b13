"""Reads one shard and hands its records to the lanes."""

import time
from typing import TYPE_CHECKING, Any

from bitacora.delivery.batches import lane_of
from bitacora.delivery.faults import reordered
from bitacora.delivery.filters import passes
from bitacora.delivery.invocation import AWS_ERRORS
from bitacora.delivery.records import Record, filter_view
from bitacora.delivery.retries import pause_s
from bitacora.delivery.shards import position
from bitacora.delivery.sources import IteratorExpired, Page, Trimmed

if TYPE_CHECKING:
    from bitacora.delivery.worker import Worker

# A cloud that does not wait for records itself is read 20 times a second.
IDLE_S = 0.05
MIN_READ_AHEAD = 1000


class Reader:
    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._iterator: str | None = None
        self._last_read: str | None = None

    def run(self) -> None:
        """Read until the shard ends or the worker stops. AWS trouble is waited out."""
        worker = self._worker
        troubles = 0
        while self._room():
            try:
                page = self._read()
            except IteratorExpired:
                self._iterator = None
                continue
            except Trimmed:
                worker.trimmed()
                self._iterator = self._last_read = None
                continue
            except AWS_ERRORS as error:
                worker.fail(f"reading {worker.shard_id}: {error}")
                troubles += 1
                worker.wait(pause_s(troubles, worker.surroundings.random.random()))
                continue
            troubles = 0
            if page.next is None:
                worker.end_of_shard()
                return

    def _room(self) -> bool:
        """Wait until there is room to read ahead. False when the worker stops."""
        worker = self._worker
        read_ahead = max(MIN_READ_AHEAD, 2 * worker.mapping.batch_size)
        with worker.changed:
            while not worker.stopping and len(worker.progress) >= read_ahead:
                worker.changed.wait()
            return not worker.stopping

    def _read(self) -> Page:
        """One page, taken in. Raises IteratorExpired, Trimmed and botocore's errors."""
        worker = self._worker
        started = worker.surroundings.clock()
        page = self._page()
        if page.events and worker.faults.armed("reorder"):
            page = self._gather(page, worker.faults.hold_s())
        self._take_in(page.events)
        if page.caught_up:
            worker.caught_up(started + page.waited_s)
        return page

    def _page(self) -> Page:
        worker = self._worker
        if self._iterator is None:
            state = worker.file.shards[worker.shard_id]
            if not state.opened:
                # Kept first: an end between the two must not ask for LATEST again.
                worker.file.open(worker.shard_id)
            where = position(state, self._last_read)
            self._iterator = worker.source.open(worker.shard_id, where)
        page = worker.source.read(worker.shard_id, self._iterator)
        self._iterator = page.next
        if page.next and not (page.events or page.waited_s):
            worker.wait(IDLE_S)
        return page

    def _gather(self, first: Page, hold_s: float) -> Page:
        """More pages for a while, so that a reorder has records to exchange."""
        events, page = list(first.events), first
        until = time.monotonic() + hold_s
        while page.next and time.monotonic() < until and not self._worker.stopping:
            try:
                page = self._page()
            except (IteratorExpired, Trimmed, *AWS_ERRORS):
                # What was read is kept; reading goes on after it.
                self._remember(events)
                self._iterator = None
                return Page(events, first.next, caught_up=False)
            events += page.events
        return Page(events, page.next, caught_up=False)

    def _remember(self, events: list[dict[str, Any]]) -> None:
        self._last_read = self._worker.source.record(events[-1]).sequence

    def _take_in(self, events: list[dict[str, Any]]) -> None:
        """Records enter the progress in stream order; a reorder changes the delivery only."""
        if not events:
            return
        worker = self._worker
        wanted: list[Record] = []
        unwanted: list[Record] = []
        cuts: frozenset[int] = frozenset()
        with worker.changed:
            for event in events:
                record = worker.source.record(event)
                worker.progress.read(record)
                (wanted if self._is_wanted(record, event) else unwanted).append(record)
            self._last_read = record.sequence
            if worker.faults.armed("reorder") and (
                other := reordered(wanted, worker.surroundings.random)
            ):
                worker.faults.take("reorder")
                wanted = other
                # Batches end anywhere: also between what changed places.
                chance = worker.surroundings.random
                cuts = frozenset(n for n in range(1, len(wanted)) if chance.random() < 0.5)
            for number, record in enumerate(wanted):
                if number in cuts:
                    for lane in worker.lanes:
                        lane.cut()
                worker.lanes[lane_of(record, len(worker.lanes))].put(record)
            worker.count(filtered=len(unwanted))
            worker.changed.notify_all()
        worker.finish(unwanted)

    def _is_wanted(self, record: Record, event: dict[str, Any]) -> bool:
        worker = self._worker
        since = worker.since
        if since is not None and record.arrived < int(since):
            return False
        filters = worker.mapping.filters
        return not filters or passes(filters, filter_view(event))
