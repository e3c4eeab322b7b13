"""What the clients of a history were answered, and what was there in the end."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bitacora.audit.history import Append, Operation, Read
from bitacora.audit.history.operations import CONFLICT
from bitacora.audit.observation import Observation
from bitacora.audit.source import View
from bitacora.simulation.cloud.calls import Killed
from bitacora.simulation.faults import Fault
from reference_service.cqrs import execution
from reference_service.cqrs.execution import Outcome, Request
from reference_service.cqrs.store import Unavailable
from reference_service.order.commands import Command, ReceivePayment
from reference_service.order.rejections import Rejection
from reference_service.order.state import Confirmed, Order

R = TypeVar("R")


class Recorder:
    """Notes what clients ask and are told, as the history checker takes it."""

    def __init__(
        self, seconds: Callable[[], float], tell: Callable[[str, str], None] | None = None
    ) -> None:
        """`tell`, if any, hears what was asked and what was told."""
        self._seconds = seconds
        self._tell = tell
        self.operations: list[Operation] = []

    def append(
        self,
        client: str,
        request: Request[Command],
        execute: Callable[[Request[Command]], Outcome[Order, Rejection]],
    ) -> Outcome[Order, Rejection]:
        """Execute a command for a client. Raises Unavailable and Killed."""
        invoked = self._seconds()
        told: dict[str, Any] = {"outcome": "unknown"}
        try:
            outcome = execute(request)
            told = _told(request, outcome)
        except Unavailable:
            told = {"outcome": "failed", "reason": "unavailable"}
            raise
        else:
            return outcome
        finally:
            self.operations.append(
                Append(
                    client=client,
                    stream=request.stream,
                    command=named(request.cause.command_id, request.cause.fingerprint),
                    invoked=invoked,
                    returned=self._seconds(),
                    expected=request.expected_version,
                    **told,
                )
            )
            if self._tell:
                ending, *more = told.items()
                facts = [ending[1], *(f"{name} {value}" for name, value in more)]
                what = f"{type(request.command).__name__} {request.stream}"
                self._tell(what, ", ".join(facts))

    def read(
        self,
        client: str,
        stream: str,
        where: str,
        look: Callable[[], int],
        token: int | None = None,
    ) -> int | None:
        """Let a client look at a stream: at the event store, strongly, if `where` is "".

        The version that it sees, None for no answer.
        """
        invoked, version = self._seconds(), None
        with suppress(Unavailable, Killed):
            version = look()
        self.operations.append(
            Read(
                client=client,
                stream=stream,
                invoked=invoked,
                returned=self._seconds(),
                outcome="failed" if version is None else "ok",
                version=version,
                token=token,
                consistency="eventual" if where else "strong",
                where=where,
            )
        )
        if self._tell:
            outcome = "no answer" if version is None else f"version {version}"
            self._tell(f"read {stream} {where}", outcome)
        return version


def named(command_id: str, fingerprint: str) -> str:
    """What makes a command the same: its id, and what it asks."""
    return f"{command_id} ({fingerprint})"


def _told(request: Request[Command], outcome: Outcome[Order, Rejection]) -> dict[str, Any]:
    match outcome:
        case execution.Accepted(state, version, _):
            # Only the payment that covers the total appends two events.
            both = isinstance(request.command, ReceivePayment) and isinstance(state, Confirmed)
            return {"outcome": "ok", "version": version, "count": 2 if both else 1}
        case execution.OutcomeUnknown():
            return {"outcome": "unknown"}
        case execution.Stale(version):
            return {"outcome": "failed", "reason": CONFLICT, "version": version}
        case _:
            return {"outcome": "failed", "reason": type(outcome).__name__}


@dataclass(frozen=True)
class Happened:
    """One line of the trace: at that moment `who` called something, with that outcome."""

    at_ms: int
    who: str
    what: str
    outcome: str


@dataclass
class History:
    """One run to its end, where everything was delivered and nothing goes wrong any more.

    `left` says what should not be left: dead letters, markers. `statuses` are the items of
    order_status by stream.
    """

    operations: list[Operation]
    seen: Observation
    statuses: dict[str, View]
    left: list[str]
    injected: Counter[Fault]
    trace: list[Happened] = field(default_factory=list)
