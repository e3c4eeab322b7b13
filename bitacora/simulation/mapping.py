"""What Lambda's event source mappings do: hand records and messages to functions until they took.

What follows an answer, and which shards may be read, is decided by the code of the kit's own
engine (bitacora.delivery).
"""

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bitacora.delivery import retries
from bitacora.delivery.mapping import Mapping
from bitacora.delivery.records import Record
from bitacora.delivery.retries import Answer, FunctionFailed, NotInvoked, Returned, Work
from bitacora.delivery.shards import ShardState, readable
from bitacora.simulation.cloud.calls import Calls, Killed
from bitacora.simulation.cloud.messages import Message, Queue, event_of
from bitacora.simulation.cloud.stream import Shards
from bitacora.simulation.faults import Fault
from bitacora.simulation.scheduler import Scheduler

# A function: its event → what it answers.
Function: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
Follows: TypeAlias = Callable[[Work, Answer, Mapping], retries.Step]

BATCH = 4


@dataclass(frozen=True)
class Given:
    """What every mapping is given."""

    scheduler: Scheduler
    calls: Calls


@dataclass
class Place:
    """How far a shard was read: `read` counts records, `next` is what is to be delivered first."""

    read: int = 0
    next: deque[Work] = field(default_factory=deque)


class StreamMapping:
    """A function's mapping to a stream. `discard` takes what was given up, as S3 gets it."""

    def __init__(
        self,
        given: Given,
        name: str,
        source: Shards,
        function: Function,
        discard: Callable[[bytes], None],
        follows: Follows = retries.after,
    ) -> None:
        self.name = name
        self._given = given
        self._source = source
        self._function = function
        self._discard = discard
        self._follows = follows
        self._places: dict[str, Place] = {}
        self._rules = _rules(name)
        self._read = self._retrying = 0

    def run(self) -> None:
        """Deliver what there is, for ever."""
        while True:
            self._given.scheduler.wait(self._has_work, self._source.arrives_ms)
            self.deliver()

    def deliver(self) -> None:
        """The next batch of a shard that may be read."""
        ready = [name for name in self._readable() if self._waits(name)]
        name = ready[self._given.calls.which("shard read", len(ready))]
        place, log = self._places[name], self._source.logs[name]
        if not place.next:
            if place.read and self._given.calls.befalls(Fault.OLD_CHECKPOINT, self.name):
                place.read -= 1 + self._given.calls.which("records again", place.read)
            if self._source.expires and self._given.calls.befalls(Fault.EXPIRED, self.name):
                place.read += 1
            records = log.records[place.read : place.read + BATCH]
            place.read += len(records)
            if records:
                place.next.append(Work(tuple(records)))
        if place.next:
            self.hand_over(place, place.next.popleft())
        places = self._places.values()
        self._read = sum(place.read for place in places)
        self._retrying = sum(len(place.next) for place in places)

    def hand_over(self, place: Place, work: Work) -> None:
        """Invoke the function, and do what follows."""
        self._follow(place, work, self.invoke(work.records))

    def invoke(self, records: Iterable[Record]) -> Answer:
        event = {"Records": [self._source.events[record.sequence] for record in records]}
        try:
            answer = self._function(event)
        except Killed:
            return FunctionFailed("killed")
        except Exception as fault:  # a function that raises is invoked again
            return FunctionFailed(f"{type(fault).__name__}: {fault}")
        if self._given.calls.befalls(Fault.LOST_FUNCTION_ANSWER, self.name):
            return NotInvoked("the function's answer was lost")
        return Returned(json.dumps(answer).encode())

    def _follow(self, place: Place, work: Work, answer: Answer) -> None:
        step = self._follows(work, answer, self._rules)
        calls = self._given.calls
        if step.retry and calls.befalls(Fault.GIVEN_UP, self.name):
            for one in step.retry:
                self._discard(self._record(one))
        else:
            place.next.extendleft(reversed(step.retry))
            if step.retry and step.pause:
                self._given.scheduler.sleep(retries.pause_s(step.retry[0].pauses, 0.5))
        if step.done and not step.failure and calls.befalls(Fault.REPEATED_BATCH, self.name):
            place.next.appendleft(Work(step.done))

    def _record(self, work: Work) -> bytes:
        """What S3 gets of a batch that was given up, as far as it is read."""
        events = [self._source.events[record.sequence] for record in work.records]
        return json.dumps(
            {
                "requestContext": {"functionArn": f"arn:aws:lambda:::function:{self.name}"},
                "payload": json.dumps({"Records": events}),
            }
        ).encode()

    def _has_work(self) -> bool:
        if self._retrying or self._read < self._source.count:
            return True
        self._source.settle()
        return self._read < self._source.count

    def _waits(self, name: str) -> bool:
        place = self._places[name]
        return bool(place.next) or place.read < len(self._source.logs[name].records)

    def _readable(self) -> list[str]:
        """Children of a reshard only once their parents are read to the end."""
        logs = self._source.logs
        for name in logs:
            self._places.setdefault(name, Place())
        if len(logs) == 1:
            return list(logs)
        states = {
            name: ShardState("TRIM_HORIZON", finished=log.closed and not self._waits(name))
            for name, log in logs.items()
        }
        return readable(self._source.listed(), states)


def _rules(name: str) -> Mapping:
    """As infra/components/event_sources.py has them."""
    return Mapping(
        uuid=name,
        source_arn="arn:aws:kinesis:::stream/log",
        function=name,
        enabled=True,
        start="TRIM_HORIZON",
        start_at=None,
        batch_size=BATCH,
        window_s=0,
        lanes=1,
        filters=(),
        reports_item_failures=True,
        bisect=True,
        max_attempts=None,
        max_age_s=None,
        on_failure=None,
    )


class QueueMapping:
    """A function's mapping to a queue: what it reports as failed comes again."""

    def __init__(self, given: Given, queue: Queue, function: Function) -> None:
        self._given = given
        self._queue = queue
        self._function = function

    def run(self) -> None:
        """Deliver what there is, for ever."""
        scheduler, queue = self._given.scheduler, self._queue
        while True:
            scheduler.wait(lambda: bool(queue.visible(scheduler.now_ms)), self._moment)
            messages: list[Message] = []
            while len(messages) < BATCH and (
                message := queue.receive(self._given.calls, scheduler.now_ms)
            ):
                if message in messages:
                    break
                messages.append(message)
            if messages:
                self._hand_over(messages)

    def _moment(self) -> int | None:
        """When the first hidden message shows up."""
        return min((one.visible_at_ms for one in self._queue.messages), default=None)

    def _hand_over(self, messages: list[Message]) -> None:
        try:
            answer = self._function(event_of(messages))
        except Killed:
            return
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for message in messages:
            if message.id not in failed:
                self._queue.done(message)
