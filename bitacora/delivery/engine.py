"""All mappings of an environment, and their iterator age in CloudWatch."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from bitacora.delivery.checkpoints import MappingFile
from bitacora.delivery.invocation import AWS_ERRORS
from bitacora.delivery.mapping import parse, updated
from bitacora.delivery.runner import Runner
from bitacora.delivery.worker import Surroundings

logger = logging.getLogger("bitacora.delivery")

METRIC_INTERVAL_S = 5.0
METRIC_LOOK_S = 1.0
DELETE_TIMEOUT_S = 5.0


class UnknownMapping(Exception):
    """No mapping has this uuid."""


class Engine:
    """`folder` keeps one file per mapping; mappings found there run again at the start."""

    def __init__(self, folder: Path, surroundings: Surroundings) -> None:
        self._folder = folder
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._runners: dict[str, Runner] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        """Run the mappings kept in the folder. Raises UnreadableState and InvalidMapping."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = [MappingFile.load(path) for path in sorted(self._folder.glob("*.json"))]
        for file in files:
            self._runners[file.uuid] = Runner(
                parse(file.uuid, file.request), file, self._surroundings
            )
        for runner in self._runners.values():
            runner.start()
        threading.Thread(target=self._report_ages, daemon=True, name="metrics").start()

    def stop(self, timeout_s: float) -> None:
        """End all workers; an invocation still under way after `timeout_s` is left behind: its
        batch is repeated at the next start."""
        self._stopped.set()
        with self._lock:
            runners = list(self._runners.values())
        for runner in runners:
            runner.stop()
        for runner in runners:
            runner.join(timeout_s / max(1, len(runners)))

    def __len__(self) -> int:
        return len(self._runners)

    def put(self, uuid: str, request: Mapping[str, Any]) -> bool:
        """Create the mapping, or change it to this request. True when it is new.
        Raises InvalidMapping."""
        with self._lock:
            runner = self._runners.get(uuid)
            if runner:
                updated(runner.file.request, request)
                self._change(runner, request)
                return False
            mapping = parse(uuid, request)
            file = MappingFile.create(self._folder / f"{uuid}.json", request)
            runner = Runner(mapping, file, self._surroundings)
            self._runners[uuid] = runner
            runner.start()
            return True

    def update(self, uuid: str, changes: Mapping[str, Any]) -> None:
        """UpdateEventSourceMapping. Raises UnknownMapping and InvalidMapping."""
        with self._lock:
            runner = self._runner(uuid)
            self._change(runner, updated(runner.file.request, changes))

    def delete(self, uuid: str) -> None:
        """End the mapping and forget its checkpoints. Raises UnknownMapping."""
        with self._lock:
            runner = self._runner(uuid)
            del self._runners[uuid]
        runner.file.delete()
        runner.stop()
        runner.join(DELETE_TIMEOUT_S)

    def order_fault(self, uuid: str, kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Raises UnknownMapping and InvalidFault."""
        with self._lock:
            runner = self._runner(uuid)
        runner.faults.order(kind, options)
        return runner.faults.report()

    def report(self, uuid: str) -> dict[str, Any]:
        """Raises UnknownMapping."""
        with self._lock:
            runner = self._runner(uuid)
        return runner.report()

    def reports(self) -> list[dict[str, Any]]:
        with self._lock:
            runners = list(self._runners.values())
        return [runner.report() for runner in runners]

    def _runner(self, uuid: str) -> Runner:
        if uuid not in self._runners:
            raise UnknownMapping(f"no mapping has the uuid {uuid!r}")
        return self._runners[uuid]

    def _change(self, runner: Runner, request: Mapping[str, Any]) -> None:
        if request == runner.file.request:
            return
        mapping = parse(runner.file.uuid, request)
        runner.file.keep_request(request)
        runner.update(mapping)

    def _report_ages(self) -> None:
        """AWS/Lambda IteratorAge of mappings that worked or lag, at most once an interval each."""
        written: dict[Runner, tuple[float, int]] = {}
        while not self._stopped.wait(METRIC_LOOK_S):
            with self._lock:
                runners = list(self._runners.values())
            written = {runner: written.get(runner, (-METRIC_INTERVAL_S, 0)) for runner in runners}
            for runner, (at, invocations) in list(written.items()):
                age_ms, count, now = runner.iterator_age_ms(), runner.invocations(), monotonic()
                if now - at >= METRIC_INTERVAL_S and (age_ms or count != invocations):
                    written[runner] = (now, count)
                    self._put_age(runner, age_ms)

    def _put_age(self, runner: Runner, age_ms: int) -> None:
        name = runner.mapping.function.split(":function:")[-1].split(":")[0]
        try:
            self._surroundings.clients("cloudwatch").put_metric_data(
                Namespace="AWS/Lambda",
                MetricData=[
                    {
                        "MetricName": "IteratorAge",
                        "Dimensions": [{"Name": "FunctionName", "Value": name}],
                        "Value": age_ms,
                        "Unit": "Milliseconds",
                    }
                ],
            )
        except AWS_ERRORS as error:
            logger.warning("IteratorAge of %s not written: %s", name, error)
