"""A customer living an order's journey against the API, on time whatever the answers do."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from load.answers import Answer, Known, fault
from load.journey import Cancel, Journey, ListOwn, Pay, Place, ReadOwn, Step
from load.verdict import Accepted, Sent

PAUSES_S = (0.1, 0.4, 1.6)  # before each repeat of a request that was not answered
NAMES = {
    Place: "place an order",
    Pay: "pay a part",
    Cancel: "cancel",
    ReadOwn: "read at least the told version",
    ListOwn: "list own orders",
}


class Api(Protocol):
    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def wait_until(self, moment: float) -> None:
        """Returns at the moment, at once when it is past."""


@dataclass(frozen=True)
class Took:
    """One step as its customer lived it.

    `latency_ms` counts from the moment it was meant to start, repeats included; `fault` is None
    when the answer was right.
    """

    method: str
    name: str
    latency_ms: float
    size_bytes: int
    fault: str | None


@dataclass
class Receipts:
    """What the customers of a run know of their commands, by command id."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)

    def sent(self, from_events: frozenset[str]) -> Sent:
        return Sent(
            accepted=tuple(self.accepted.values()),
            refused=frozenset(self.refused),
            unanswered=frozenset(self.unanswered),
            from_events=from_events,
        )


def command_id(caller: str, idempotency_key: str) -> str:
    """As the service derives it (design, invariant 5): told here again, so that it is checked."""
    return hashlib.sha256(f"{caller}\n{idempotency_key}".encode()).hexdigest()[:32]


def command_id_of_event(event_id: str) -> str:
    return hashlib.sha256(f"event\n{event_id}".encode()).hexdigest()[:32]


@dataclass
class Customer:
    """`tell` hears of every step as it ends."""

    api: Api
    token: str
    receipts: Receipts
    tell: Callable[[Took], None]
    clock: Clock

    def live(self, journey: Journey, began: float) -> None:
        """Every step at its moment, or as soon after it as the step before has its answer.

        `began` is the order's arrival on the clock. A customer who gets no answer to a command
        gives up: nothing certain is known of the order any more.
        """
        known = Known()
        for moment, step in journey.steps:
            self.clock.wait_until(began + moment)
            learned = self._take(step, known, journey.customer_id, began + moment)
            if learned is None:
                return
            known = learned

    def _take(self, step: Step, known: Known, customer_id: str, meant: float) -> Known | None:
        method, path = _request(step, known)
        headers = {"Authorization": f"Bearer {self.token}"}
        body, command = b"", None
        if isinstance(step, Place | Pay | Cancel):
            key = uuid4().hex
            headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
            body, command = json.dumps(step.body).encode(), command_id(customer_id, key)
            self.receipts.unanswered.add(command)  # until there is an answer, also when interrupted
        answer = self._insist(method, path, headers, body)
        wrong = fault(step, answer, known)
        took_ms = (self.clock.now() - meant) * 1000
        self.tell(Took(method, NAMES[type(step)], took_ms, len(answer.content), wrong))
        return self._learn(command, answer, known) if command else known

    def _insist(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        for pause_s in PAUSES_S:
            answer = self.api.send(method, path, headers, body)
            if not answer.repeatable:
                return answer
            self.clock.wait_until(self.clock.now() + pause_s)
        return self.api.send(method, path, headers, body)

    def _learn(self, command: str, answer: Answer, known: Known) -> Known | None:
        """What is known of the order after the command; None when that is not told."""
        told: dict[str, Any] = answer.body
        if 200 <= answer.status < 300 and {"order_id", "version", "commit"} <= told.keys():
            self.receipts.unanswered.discard(command)
            stream = f"order-{told['order_id']}"
            self.receipts.accepted[command] = Accepted(
                command, stream, told["commit"], told["version"]
            )
            return Known(told["order_id"], told["version"])
        if 400 <= answer.status < 500 and not answer.repeatable:
            self.receipts.unanswered.discard(command)
            self.receipts.refused.add(command)
            return known if known.order_id else None
        return None


def _request(step: Step, known: Known) -> tuple[str, str]:
    order = f"/orders/{known.order_id}"
    match step:
        case Place():
            return "POST", "/orders"
        case Pay():
            return "POST", f"{order}/payments"
        case Cancel():
            return "POST", f"{order}/cancellation"
        case ReadOwn():
            return "GET", f"{order}?min_version={known.version}"
        case ListOwn():
            return "GET", "/orders"
