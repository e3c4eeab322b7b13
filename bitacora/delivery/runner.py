"""Runs one mapping: finds its shards, starts and ends their workers."""

import logging
import threading
from dataclasses import asdict
from typing import Any

from bitacora.delivery.checkpoints import MappingFile
from bitacora.delivery.faults import Faults
from bitacora.delivery.invocation import AWS_ERRORS, Function, describe_function
from bitacora.delivery.mapping import Mapping
from bitacora.delivery.retries import pause_s
from bitacora.delivery.shards import discovered, readable
from bitacora.delivery.sources import DynamoDBSource, KinesisSource, Source
from bitacora.delivery.worker import Stats, Surroundings, Worker

logger = logging.getLogger("bitacora.delivery")

# A reshard ends its parents, which lists the shards again at once; this is for what is left.
DISCOVERY_INTERVAL_S = 10.0


class Runner:
    """A thread per mapping. `update` and `stop` return at once; an invocation under way is finished
    and checkpointed before the change takes effect."""

    def __init__(self, mapping: Mapping, file: MappingFile, surroundings: Surroundings) -> None:
        self.mapping = mapping
        self.file = file
        self.faults = Faults(mapping.source)
        self._surroundings = surroundings
        self._wake = threading.Event()
        self._stopping = False
        self._wanted = mapping
        self._workers: dict[str, Worker] = {}
        self._stats: dict[str, Stats] = {}
        self._last_error: str | None = None
        self._troubles = 0
        self._thread = threading.Thread(target=self._run, daemon=True, name=mapping.uuid)

    def start(self) -> None:
        self._thread.start()

    def update(self, mapping: Mapping) -> None:
        self._wanted = mapping
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        for worker in list(self._workers.values()):
            worker.stop()
        self._wake.set()

    def join(self, timeout_s: float) -> bool:
        """False when an invocation is still under way after `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            self.mapping = self._wanted
            self._troubles = 0
            while not self._stopping and self._wanted is self.mapping:
                self._wake.clear()
                pause = self._tend() if self.mapping.enabled else None
                self._wake.wait(pause)
            self._end_workers()

    def _tend(self) -> float:
        """Start the workers that may run. The seconds until the next look."""
        for shard_id, worker in list(self._workers.items()):
            if worker.stopping and worker.join(0):
                del self._workers[shard_id]
        try:
            self._start_workers()
        except AWS_ERRORS as error:
            self._last_error = str(error)
            self._troubles += 1
            logger.warning(
                "mapping waits: %s", error, extra={"fields": {"mapping": self.mapping.uuid}}
            )
            return pause_s(self._troubles, self._surroundings.random.random())
        self._last_error, self._troubles = None, 0
        return DISCOVERY_INTERVAL_S

    def _start_workers(self) -> None:
        function = describe_function(self._surroundings.clients, self.mapping.function)
        source = self._source(function)
        listed = source.shards()
        now = self._surroundings.clock()
        states = self.file.discover(lambda known: discovered(listed, known, self.mapping, now))
        for shard_id, worker in self._workers.items():
            if shard_id not in states or states[shard_id].finished:
                worker.stop()
        for shard_id in readable(listed, states):
            if shard_id in self._workers or self._stopping:
                continue
            worker = Worker(
                mapping=self.mapping,
                shard_id=shard_id,
                function=function,
                source=source,
                file=self.file,
                faults=self.faults,
                stats=self._stats.setdefault(shard_id, Stats()),
                surroundings=self._surroundings,
                on_end=self._wake.set,
            )
            self._workers[shard_id] = worker
            worker.start()

    def _source(self, function: Function) -> Source:
        clients, arn = self._surroundings.clients, self.mapping.source_arn
        if self.mapping.source == "kinesis":
            return KinesisSource(clients("kinesis"), arn, function.role_arn)
        return DynamoDBSource(clients("dynamodbstreams"), arn)

    def _end_workers(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        for worker in self._workers.values():
            while not worker.join(1.0):
                pass
        self._workers.clear()

    def iterator_age_ms(self) -> int:
        """The oldest unprocessed record of all shards."""
        now = self._surroundings.clock()
        return max((w.iterator_age_ms(now) for w in list(self._workers.values())), default=0)

    def invocations(self) -> int:
        return sum(stats.invocations for stats in list(self._stats.values()))

    def report(self) -> dict[str, Any]:
        """One entry of GET /mappings."""
        now = self._surroundings.clock()
        workers = dict(self._workers)
        shards = {}
        for shard_id, state in self.file.shards.items():
            worker = workers.get(shard_id)
            stats = self._stats.get(shard_id, Stats())
            shards[shard_id] = {
                "state": "finished" if state.finished else "reading" if worker else "waiting",
                "checkpoint": state.checkpoint,
                "caught_up": state.finished or bool(worker and worker.is_caught_up),
                "iterator_age_ms": worker.iterator_age_ms(now) if worker else 0,
                "outstanding": len(worker.progress) if worker else 0,
                **asdict(stats),
            }
        open_shards = [shard for shard in shards.values() if shard["state"] != "finished"]
        times = [shard["caught_up_at"] for shard in open_shards]
        return {
            "uuid": self.mapping.uuid,
            "state": self._state(),
            "function": self.mapping.function,
            "source_arn": self.mapping.source_arn,
            "caught_up": bool(shards) and all(shard["caught_up"] for shard in shards.values()),
            "caught_up_at": min(times) if times and None not in times else None,
            "iterator_age_ms": self.iterator_age_ms(),
            "last_error": self._last_error,
            "faults": self.faults.report(),
            "request": self.file.request,
            "shards": shards,
        }

    def _state(self) -> str:
        if self._wanted is not self.mapping:
            return "Updating"
        if not self.mapping.enabled:
            return "Disabled"
        return "Stopped" if self.faults.stopped else "Enabled"
