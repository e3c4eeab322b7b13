"""One lane of a shard: gathers batches, delivers them in order, one at a time."""

import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from bitacora.delivery import failures, retries
from bitacora.delivery.batches import ready
from bitacora.delivery.invocation import AWS_ERRORS, invoke, is_refusal, send_failure
from bitacora.delivery.records import Record, event_of
from bitacora.delivery.retries import Answer, NotInvoked, Step, Work

if TYPE_CHECKING:
    from bitacora.delivery.worker import Worker

STOPPED_POLL_S = 0.05


class Lane:
    """With ParallelizationFactor 1 a shard has one lane. A key always takes the same one."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._waiting: deque[Record] = deque()
        self._waiting_since = 0.0
        self._next: deque[Work] = deque()
        self._not_before = 0.0
        self._cuts: deque[int] = deque()

    def put(self, record: Record) -> None:
        """The caller holds the worker's condition and notifies."""
        if not self._waiting:
            self._waiting_since = time.monotonic()
        self._waiting.append(record)

    def cut(self) -> None:
        """What waits now goes in other batches than what comes later. As for `put`."""
        self._cuts.append(len(self._waiting))

    def run(self) -> None:
        while work := self._take():
            self._deliver(work)

    def _take(self) -> Work | None:
        """The next work, waiting for it; None when the worker stops."""
        worker = self._worker
        with worker.changed:
            while not worker.stopping:
                now = time.monotonic()
                if worker.faults.stopped:
                    worker.changed.wait(STOPPED_POLL_S)
                elif self._next:
                    if now >= self._not_before:
                        return self._next.popleft()
                    worker.changed.wait(self._not_before - now)
                elif count := self._ready(now):
                    records = tuple(self._waiting.popleft() for _ in range(count))
                    self._cuts = deque(cut - count for cut in self._cuts if cut > count)
                    self._waiting_since = now
                    return Work(records)
                else:
                    left = self._waiting_since + worker.mapping.window_s - now
                    worker.changed.wait(max(left, 0.001) if self._waiting else None)
        return None

    def _ready(self, now: float) -> int:
        mapping = self._worker.mapping
        waited_s = now - self._waiting_since
        count = ready(self._waiting, mapping.batch_size, mapping.window_s, waited_s)
        return min(count, self._cuts[0]) if self._cuts else count

    def _deliver(self, work: Work) -> None:
        worker = self._worker
        old, live = retries.split_by_age(
            work, worker.mapping.max_age_s, worker.surroundings.clock()
        )
        if old:
            self._discard(old, failures.TOO_OLD, function_error=True)
        if not live:
            return
        delay_s = worker.faults.delay_s(worker.shard_id)
        if delay_s and not worker.wait(delay_s):
            return
        answer = invoke(
            worker.surroundings.clients, worker.mapping.function, event_of(live.records)
        )
        worker.count(
            invocations=1,
            function_errors=isinstance(answer, retries.FunctionFailed),
            throttles=isinstance(answer, NotInvoked) and answer.throttled,
        )
        step = self._faulted(live, answer) or retries.after(live, answer, worker.mapping)
        self._follow(step, isinstance(answer, retries.FunctionFailed))

    def _faulted(self, work: Work, answer: Answer) -> Step | None:
        """What a fault on demand makes of the answer. One batch meets one fault: several that are
        armed fall on as many batches."""
        faults = self._worker.faults
        if work.faulted or isinstance(answer, NotInvoked):
            return None
        met = replace(work, faulted=True)
        if faults.take("lose_answer"):
            lost = NotInvoked("the function's answer was lost on demand")
            return retries.after(met, lost, self._worker.mapping)
        succeeded = not retries.after(work, answer, self._worker.mapping).failure
        if succeeded and faults.take("repeat_batch"):
            return Step(retry=(met,))
        return None

    def _follow(self, step: Step, function_error: bool) -> None:
        worker = self._worker
        if step.failure:
            worker.fail(step.failure)
        if step.done:
            worker.count(delivered=len(step.done))
            # Told first: whoever reads what the function wrote is not caught up any more.
            worker.surroundings.delivered_at = worker.surroundings.clock()
            worker.finish(step.done)
        if step.discard:
            self._discard(step.discard, failures.RETRIES_EXHAUSTED, function_error)
        if step.retry:
            worker.count(retries=1)
            pause_s = 0.0
            if step.pause:
                pause_s = retries.pause_s(step.retry[0].pauses, worker.surroundings.random.random())
            self._not_before = time.monotonic() + pause_s
            self._next.extendleft(reversed(step.retry))

    def _discard(self, work: Work, condition: str, function_error: bool) -> None:
        """Write the destination record, then count the records as processed.

        A destination that refuses is reported and the records are let go, as AWS does (metric
        DestinationDeliveryFailures); a lost connection is tried again until it is there.
        """
        worker, mapping = self._worker, self._worker.mapping
        record_uuid = UUID(int=worker.surroundings.random.getrandbits(128), version=4)
        now, pauses = worker.surroundings.clock(), 0
        record = failures.failure_record(
            mapping,
            worker.function.arn,
            worker.shard_id,
            work,
            condition,
            function_error,
            now,
            str(record_uuid),
        )
        key = failures.object_key(mapping, worker.shard_id, now, str(record_uuid))
        while mapping.on_failure:
            try:
                send_failure(worker.surroundings.clients, mapping.on_failure, record, key)
                break
            except AWS_ERRORS as error:
                worker.fail(f"on-failure destination {mapping.on_failure.arn}: {error}")
                if is_refusal(error):
                    worker.count(destination_failures=1)
                    break
                pauses += 1
                if not worker.wait(retries.pause_s(pauses, worker.surroundings.random.random())):
                    return
        worker.count(failed=len(work.records))
        worker.log("records discarded", record={**record, "payload": None})
        worker.finish(work.records)
