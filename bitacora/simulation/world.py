"""One history: devices, functions and stores, from the first command until all is delivered."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from bitacora.audit.observation import ORDER, Observation
from bitacora.audit.source import Marker, View
from bitacora.simulation.cloud.calls import Killed, Troubled
from bitacora.simulation.decisions import Decisions
from bitacora.simulation.device import Device
from bitacora.simulation.faults import Fault
from bitacora.simulation.mapping import Given, QueueMapping
from bitacora.simulation.observed import Happened, History, Recorder
from bitacora.simulation.parts import REAL, Parts
from bitacora.simulation.plan import Plan
from bitacora.simulation.scheduler import Scheduler
from bitacora.simulation.service import Cloud, Service
from reference_service.aws.items import from_item
from reference_service.cqrs.parking import Parked
from reference_service.cqrs.store import Unavailable

# Workers of each queue that two deliveries may keep busy at once.
WORKERS = {"fulfilment": 2, "order-commands": 2, "ledger": 1}
# A queue shows its message again.
HEALED_AGAIN_S = 30
# An operator drives dead letters back that often at most.
ROUNDS = 4


def history(
    plan: Plan, decisions: Decisions, parts: Parts = REAL, *, traced: bool = False
) -> History:
    """Run the plan. Raises Stuck, and what a function raises where nothing invokes it again."""
    world = World(plan, decisions, parts, traced)
    try:
        return world.run()
    finally:
        world.scheduler.end()


class World:
    def __init__(self, plan: Plan, decisions: Decisions, parts: Parts, traced: bool) -> None:
        self._plan = plan
        self._parts = parts
        self._decisions = decisions
        self._trace: list[Happened] = []
        self.scheduler = Scheduler(decisions, plan.switching)
        tell = self._tell if traced else None
        self._calls = Troubled(self.scheduler, decisions, plan.enabled, plan.rate, tell)
        self._cloud = Cloud(self._calls, self.scheduler, plan.shards)
        self._recorder = Recorder(self.scheduler.seconds, tell)
        self._service = Service(
            parts, self._cloud, self._calls, self.scheduler, self._recorder, plan.snapshots
        )
        self._given_up: list[bytes] = []
        numbers = sorted({step.device for step in plan.steps})
        self._devices = [
            Device(
                number,
                [step for step in plan.steps if step.device == number],
                self._service,
                self.scheduler,
                self._recorder,
            )
            for number in numbers
        ]

    def run(self) -> History:
        """Once nothing goes wrong any more, all that was not lost gets through by itself.

        Only what expired unread does not: then gates are compared with heads.
        """
        self._start()
        self.scheduler.run()
        self._decisions.quiet()
        self._calls.quiet()
        for _ in range(ROUNDS):
            dead = sum(queue.redrive() for queue in self._cloud.queues.values())
            if self._calls.injected[Fault.EXPIRED] and self._parts.reconciles:
                self.scheduler.start("reconcile", self._reconcile)
            self.scheduler.run()
            if not dead:
                break
        return self._history()

    def _start(self) -> None:
        service, start = self._service, self.scheduler.start
        for device in self._devices:
            start(device.name, device.run)
        given = Given(self.scheduler, self._calls)
        changes, log = self._cloud.changes, self._cloud.kinesis
        for name, source, function in (
            ("relay", changes, service.relay),
            ("publisher", changes, service.publish),
            ("projector", log, service.project),
            ("status-projector", log, service.project_status),
        ):
            mapping = self._parts.mapping(
                given, name, source, function, self._given_up.append, self._parts.follows
            )
            start(name, mapping.run)
        consumers = {
            "fulfilment": service.fulfil,
            "order-commands": service.ship,
            "ledger": service.record,
        }
        for name, consumer in consumers.items():
            for number in range(WORKERS[name]):
                worker = QueueMapping(given, self._cloud.queues[name], consumer)
                start(f"{name}-{number + 1}", worker.run)
        if self._parts.reconciles:
            start("operations", self._heal)
            for number, after_s in enumerate(self._plan.reconciles):
                start(f"reconcile-{number + 1}", partial(self._reconcile, after_s))

    def _heal(self) -> None:
        """Batches that were given up, one after the other, for ever."""
        while True:
            self.scheduler.wait(lambda: bool(self._given_up))
            if self._done(lambda: self._service.heal(self._given_up[0])):
                self._given_up.pop(0)
            else:
                self.scheduler.sleep(HEALED_AGAIN_S)

    def _reconcile(self, after_s: float = 0) -> None:
        if after_s:
            self.scheduler.sleep(after_s)
        self._done(self._service.reconcile)

    def _done(self, work: Callable[[], None]) -> bool:
        """Whether an invocation came to its end."""
        try:
            work()
        except (Unavailable, Killed):
            return False
        return True

    def _tell(self, what: str, outcome: str) -> None:
        self._trace.append(Happened(self.scheduler.now_ms, self.scheduler.who, what, outcome))

    def _history(self) -> History:
        trace = list(self._trace)  # what is read from now on is no part of it
        model = self._service.orders_model
        stored = self._cloud.tables["events"]
        items = {stream: stored.sorted(stream) for stream in stored.partitions}
        shipments = self._cloud.tables["shipments"].partitions
        seen = Observation(
            commits={stream: tuple(map(from_item, found)) for stream, found in items.items()},
            rows={stream: _builtins(row) for stream, row in model.rows.items()},
            gates=dict(model.gates),
            parked={stream: park.reason for stream, park in model.parked.items()},
            ledger={
                key.removeprefix("events/").removesuffix(".json"): (body.decode(),)
                for key, body in self._cloud.s3.of("ledger").items()
            },
            shipments={
                ORDER + order: msgspec.json.decode(found[None]["record"]["S"])
                for order, found in shipments.items()
            },
        )
        return History(
            operations=self._recorder.operations,
            seen=seen,
            statuses=self._statuses(),
            left=self._left(),
            injected=self._calls.injected,
            trace=trace,
        )

    def _statuses(self) -> dict[str, View]:
        """The items of order_status, as an audit sees them."""
        streams = list(self._cloud.tables["order-status"].partitions)
        if not streams:
            return {}
        views = {}
        for stream, position in self._service.status_model.positions(streams).items():
            marker = None
            if position.parked:
                number = position.gate.commit + 1 if position.gate else 1
                marker = Marker("order_status", stream, number, position.parked)
            row = _builtins(position.row) if position.row else None
            views[stream] = View(position.gate, row, marker)
        return views

    def _left(self) -> list[str]:
        left = [f"{len(self._given_up)} batches that were given up"] if self._given_up else []
        for queue in self._cloud.queues.values():
            if queue.messages or queue.dead:
                left.append(f"{len(queue.messages) + len(queue.dead)} messages in {queue.name}")
        for consumer in ("relay", "publisher"):
            markers, _ = self._service.markers.parked(consumer, None, 100)
            left += [_marker(one) for one in markers]
        if self._cloud.s3.of("evidence"):
            left.append("evidence of a commit that was overwritten or removed")
        return left


def _marker(parked: Parked) -> str:
    return f"{parked.consumer} parked {parked.stream} at commit {parked.commit}: {parked.reason}"


def _builtins(row: Any) -> dict[str, Any]:
    """As PostgreSQL's columns and DynamoDB's attributes show a row to an audit."""
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(row))
    return told
