"""The delivery of one shard: a reader, its lanes, and what they share."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from bitacora.delivery.checkpoints import MappingFile
from bitacora.delivery.faults import Faults
from bitacora.delivery.invocation import Clients, Function
from bitacora.delivery.lane import Lane
from bitacora.delivery.mapping import Mapping
from bitacora.delivery.progress import Progress
from bitacora.delivery.reader import Reader
from bitacora.delivery.records import Record
from bitacora.delivery.sources import Source

logger = logging.getLogger("bitacora.delivery")


@dataclass
class Stats:
    """Counts of one shard since the engine started. Records: delivered, filtered, failed
    (discarded). Tries: invocations, function_errors, throttles, retries."""

    delivered: int = 0
    filtered: int = 0
    failed: int = 0
    invocations: int = 0
    function_errors: int = 0
    throttles: int = 0
    retries: int = 0
    destination_failures: int = 0
    trimmed: int = 0
    caught_up_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None


@dataclass
class Surroundings:
    """What every worker of an engine uses. `delivered_at`: epoch second of the last delivery of
    any mapping, after which each may find something new."""

    clients: Clients
    random: Random
    clock: Callable[[], float]
    delivered_at: float = 0.0


class Worker:
    """Runs until `stop`, the shard's end or an unexpected error; `on_end` is called in each case.

    `changed` guards progress and lanes, and is notified when any of them changes.
    """

    def __init__(
        self,
        mapping: Mapping,
        shard_id: str,
        function: Function,
        source: Source,
        file: MappingFile,
        faults: Faults,
        stats: Stats,
        surroundings: Surroundings,
        on_end: Callable[[], None],
    ) -> None:
        state = file.shards[shard_id]
        self.mapping = mapping
        self.shard_id = shard_id
        self.function = function
        self.source = source
        self.file = file
        self.faults = faults
        self.stats = stats
        self.since = state.since
        self.surroundings = surroundings
        self.changed = threading.Condition()
        self.stopping = False
        self.progress = Progress(state.checkpoint)
        self.lanes = [Lane(self) for _ in range(mapping.lanes)]
        self._on_end = on_end
        loops = [Reader(self).run, *(lane.run for lane in self.lanes)]
        self._threads = [
            threading.Thread(target=self._guard, args=(loop,), daemon=True, name=shard_id)
            for loop in loops
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask to end. An invocation under way is finished and checkpointed first."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end. False when it did not come in time."""
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not self.alive

    @property
    def alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, seconds: float) -> bool:
        """Sleep unless the worker stops. False when it does."""
        until = time.monotonic() + seconds
        with self.changed:
            while not self.stopping and (left := until - time.monotonic()) > 0:
                self.changed.wait(left)
            return not self.stopping

    def finish(self, records: Iterable[Record]) -> None:
        """Records are processed: the checkpoint follows, after the effect and never before."""
        with self.changed:
            if self.progress.finish(records):
                self.file.checkpoint(self.shard_id, self.progress.checkpoint)
            self.changed.notify_all()

    def end_of_shard(self) -> None:
        """The shard is closed and read: once everything is processed its children may start."""
        with self.changed:
            while not self.stopping and len(self.progress):
                self.changed.wait()
            if self.stopping:
                return
            self.file.finish(self.shard_id)
        self.log("shard finished")
        self.stop()

    def trimmed(self) -> None:
        self.count(trimmed=1)
        self.fail("records were trimmed from the stream before they were read")
        self.file.restart_at_horizon(self.shard_id)

    def caught_up(self, at: float) -> None:
        """The stream had nothing more at epoch second `at`."""
        with self.changed:
            if not len(self.progress):
                self.stats.caught_up_at = at

    @property
    def is_caught_up(self) -> bool:
        """All records read are processed, and the stream had nothing more since the last delivery
        of any mapping."""
        at = self.stats.caught_up_at
        return at is not None and at >= self.surroundings.delivered_at and not len(self.progress)

    def iterator_age_ms(self, now: float) -> int:
        """Age of the oldest record that is not processed; 0 without one."""
        with self.changed:
            oldest = self.progress.oldest
        return 0 if oldest is None else max(0, round((now - oldest) * 1000))

    def count(self, **more: int) -> None:
        """Add to the counts of Stats."""
        with self.changed:
            for name, number in more.items():
                setattr(self.stats, name, getattr(self.stats, name) + number)

    def fail(self, reason: str) -> None:
        self.stats.last_error = reason
        self.stats.last_error_at = self.surroundings.clock()
        self.log(reason, level=logging.WARNING)

    def log(self, message: str, level: int = logging.INFO, **fields: Any) -> None:
        fields |= {"mapping": self.mapping.uuid, "shard": self.shard_id}
        logger.log(level, message, extra={"fields": {**fields, "function": self.function.name}})

    def _guard(self, run: Callable[[], None]) -> None:
        """An error of ours ends the worker as a whole; the runner starts it again from its
        checkpoint, so that nothing in memory is lost."""
        try:
            run()
        except Exception as error:
            self.fail(f"unexpected {type(error).__name__}: {error}")
            logger.exception("worker ended")
            self.stop()
        finally:
            self._on_end()
