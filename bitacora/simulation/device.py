"""A customer's device: does the steps of the plan, and repeats what was not answered."""

from functools import cache, partial
from uuid import UUID

from bitacora.simulation.cloud.calls import Killed
from bitacora.simulation.observed import Recorder
from bitacora.simulation.plan import TOTAL, Step
from bitacora.simulation.scheduler import Scheduler
from bitacora.simulation.service import OrderRequest, Service
from reference_service.cqrs import execution
from reference_service.cqrs.commit import Cause
from reference_service.cqrs.store import Unavailable
from reference_service.order.commands import (
    CancelOrder,
    CustomerCommand,
    PlaceOrder,
    ReceivePayment,
)
from reference_service.order.events import Delivery, Line
from reference_service.order.money import Money

CUSTOMER = "customer-1"
# Before each further attempt: together longer than a service is ever down.
PAUSES_S = (1, 4, 20)
LOOK_S = 1.0
# A device that waits for its own version looks this often before it gives up.
LOOKS = 5


class Device:
    """It knows the versions that it was told: of its commands, and of each place that it read."""

    def __init__(
        self,
        number: int,
        steps: list[Step],
        service: Service,
        scheduler: Scheduler,
        recorder: Recorder,
    ) -> None:
        self.name = f"device-{number + 1}"
        self._steps = steps
        self._service = service
        self._scheduler = scheduler
        self._recorder = recorder
        self._written: dict[str, int] = {}
        self._shown: dict[tuple[str, str], int] = {}

    def run(self) -> None:
        for step in self._steps:
            stream = stream_of(step.order)
            self._scheduler.go_by(f"{self.name}, step {step.number}")
            match step.verb:
                case "place" | "pay" | "cancel":
                    self._command(step, stream)
                case "read":
                    self._recorder.read(self.name, stream, "", partial(self._folded, stream))
                case "look":
                    self._look("order_status", stream, 0)
                case "await":
                    self._look("orders", stream, self._written.get(stream, 0))

    def _command(self, step: Step, stream: str) -> None:
        """Repeated with the same key until it is answered, a few times."""
        request = _request(step, self._written.get(stream) if step.expects else None)
        for pause_s in (0, *PAUSES_S):
            if pause_s:
                self._scheduler.sleep(pause_s)
            try:
                outcome = self._recorder.append(self.name, request, self._service.execute)
            except Killed:
                continue
            except Unavailable:
                if step.persists:
                    continue
                return
            match outcome:
                case execution.Accepted(version=version):
                    self._written[stream] = max(version, self._written.get(stream, 0))
                    return
                case execution.Stale(version):
                    self._written[stream] = version
                    return
                case execution.OutcomeUnknown() | execution.Contended():
                    continue
                case _:
                    return

    def _folded(self, stream: str) -> int:
        commits = self._service.store.load(stream)
        return int(commits[-1].version) if commits else 0

    def _look(self, where: str, stream: str, wanted: int) -> None:
        """At least the version that it wants, and never less than what it was shown there."""
        token = max(wanted, self._shown.get((where, stream), 0))

        def version() -> int:
            for _ in range(LOOKS):
                position = self._service.position(where, stream)
                found = position.row.version if position.row else 0
                if found >= token:
                    return int(found)
                self._scheduler.sleep(LOOK_S)
            raise Unavailable("not yet")

        found = self._recorder.read(self.name, stream, where, version, token or None)
        if found is not None:
            self._shown[where, stream] = found


@cache
def stream_of(order: int) -> str:
    return f"order-{UUID(int=(8 << 76) + (8 << 60) + order + 1)}"


def _request(step: Step, expected: int | None) -> OrderRequest:
    command = _asked(step)
    return execution.Request(
        stream=stream_of(step.order),
        command=command,
        cause=Cause(
            command_id=step.key,
            fingerprint=f"{step.verb} {step.amount}".removesuffix(" 0"),
            actor=CUSTOMER,
            causation="request",
            correlation=step.key,
        ),
        expected_version=expected,
    )


def _asked(step: Step) -> CustomerCommand:
    match step.verb:
        case "place":
            return PlaceOrder(CUSTOMER, LINES, DELIVERY)
        case "pay":
            return ReceivePayment(CUSTOMER, step.key, Money(step.amount, "EUR"))
        case _:
            return CancelOrder(CUSTOMER, "changed_mind")


LINES = (Line(sku="A", quantity=1, unit_price=Money(TOTAL, "EUR")),)
DELIVERY = Delivery(recipient="Ana", street="B", city="C", postal_code="1", country="ES")
