"""The boundary that every call to a store crosses: here others take turns and things go wrong."""

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

from bitacora.simulation.decisions import Decisions
from bitacora.simulation.faults import Fault
from bitacora.simulation.scheduler import Scheduler

T = TypeVar("T")

# What can happen to any call. Only AWS's SDK sends one again by itself.
ANYWHERE = (
    Fault.THROTTLED,
    Fault.NO_ANSWER,
    Fault.LOST_ANSWER,
    Fault.LATE_EFFECT,
    Fault.OUTAGE,
    Fault.KILLED_BEFORE,
    Fault.KILLED_AFTER,
)
IN_THE_CLOUD = (*ANYWHERE, Fault.SDK_REPEAT)
# Few calls can meet these, so those that can meet them more often.
SELDOM_ASKED = {
    Fault.PARTIAL_PUT_RECORDS,
    Fault.PARTIAL_PUT_EVENTS,
    Fault.UNPROCESSED_KEYS,
    Fault.STALE_READ,
    Fault.REORDERED_STREAM,
    Fault.OLD_CHECKPOINT,
    Fault.SHARD_SPLIT,
    Fault.SHARD_MERGE,
    Fault.CLOCK_SKEW,
}
OFTEN = 3
# Where it matters who is first, others are let in more often, and more goes wrong.
DECISIVE = ("dynamodb.PutItem", "dynamodb.UpdateItem", "postgres.advance")
RACES, FAILS = 8, 2
OUTAGES_S = (0.1, 1, 5, 20)
LATE_S = (0.02, 0.1, 1, 30)


class Killed(BaseException):
    """The function ends here; nothing in it can catch that."""


class Calls(Protocol):
    """How a call reaches its service."""

    def call(
        self,
        operation: str,
        about: str,
        effect: Callable[[], T],
        possible: tuple[Fault, ...] = IN_THE_CLOUD,
    ) -> T:
        """What the service answers to "<service>.<operation>"; `about` is for people.

        Raises what the SDK raises, and Killed.
        """

    def befalls(self, fault: Fault, about: str) -> bool:
        """Whether the service does this by itself."""

    def which(self, what: str, count: int) -> int:
        """One of `count`, counted from 0."""


class Direct:
    """Nothing goes wrong."""

    def call(
        self,
        operation: str,
        about: str,
        effect: Callable[[], T],
        possible: tuple[Fault, ...] = IN_THE_CLOUD,
    ) -> T:
        return effect()

    def befalls(self, fault: Fault, about: str) -> bool:
        return False

    def which(self, what: str, count: int) -> int:
        return 0


class Troubled:
    """Faults of the `enabled` kinds, each call with a probability of `rate`.

    `injected` counts them. `tell`, if any, hears what happened: (what, outcome).
    """

    def __init__(
        self,
        scheduler: Scheduler,
        decisions: Decisions,
        enabled: Collection[Fault],
        rate: float,
        tell: Callable[[str, str], None] | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._decisions = decisions
        self._enabled = enabled
        self._rate = rate
        self._tell = tell
        self._possible: dict[tuple[Fault, ...], list[Fault]] = {}
        self._down_until_ms: dict[str, int] = {}
        self._late = 0
        self.injected: Counter[Fault] = Counter()

    def call(
        self,
        operation: str,
        about: str,
        effect: Callable[[], T],
        possible: tuple[Fault, ...] = IN_THE_CLOUD,
    ) -> T:
        decisive = operation in DECISIVE
        self._scheduler.turn(RACES if decisive else 1)
        if self._down_until_ms and self._is_down(operation):
            self._say(f"{operation} {about}", "the service is down")
            raise refused(operation)
        fault = self._fault(possible, FAILS * self._rate if decisive else self._rate)
        if fault is None:
            return effect() if self._tell is None else self._told(operation, about, effect)
        self.injected[fault] += 1
        return self._troubled(operation, about, effect, fault)

    def befalls(self, fault: Fault, about: str) -> bool:
        if fault not in self._enabled:
            return False
        who = self._scheduler.who
        chance = min(0.5, OFTEN * self._rate) if fault in SELDOM_ASKED else self._rate
        if self._decisions.choose(fault.value, who, (fault,), chance) is None:
            return False
        self.injected[fault] += 1
        self._say(about, fault.value)
        return True

    def which(self, what: str, count: int) -> int:
        return self._decisions.choose(what, self._scheduler.who, range(count), 1.0) or 0

    def quiet(self) -> None:
        """Whatever is down comes back."""
        self._down_until_ms.clear()

    def _troubled(self, operation: str, about: str, effect: Callable[[], T], fault: Fault) -> T:
        what = f"{operation} {about}"
        if fault in (Fault.LOST_ANSWER, Fault.KILLED_AFTER, Fault.SDK_REPEAT):
            self._told(operation, about, effect)
        self._say(what, fault.value)
        match fault:
            case Fault.KILLED_BEFORE | Fault.KILLED_AFTER:
                raise Killed
            case Fault.NO_ANSWER | Fault.LOST_ANSWER:
                raise ReadTimeoutError(endpoint_url=operation)
            case Fault.SDK_REPEAT:
                self._scheduler.turn()
                return self._told(operation, about, effect)
            case Fault.LATE_EFFECT:
                self._later(partial(self._told, operation, about, effect))
                raise ReadTimeoutError(endpoint_url=operation)
            case Fault.OUTAGE:
                lasts_s = OUTAGES_S[self.which("outage", len(OUTAGES_S))]
                service = operation.partition(".")[0]
                self._down_until_ms[service] = self._scheduler.now_ms + round(1000 * lasts_s)
                if self.which("done before the outage", 2):
                    self._told(operation, about, effect)
                    raise ReadTimeoutError(endpoint_url=operation)
        raise refused(operation)

    def _fault(self, possible: tuple[Fault, ...], chance: float) -> Fault | None:
        enabled = self._possible.get(possible)
        if enabled is None:
            enabled = [one for one in possible if one in self._enabled]
            self._possible[possible] = enabled
        return self._decisions.choose("fault", self._scheduler.who, enabled, chance)

    def _later(self, effect: Callable[[], object]) -> None:
        after_s = LATE_S[self.which("late", len(LATE_S))]
        self._late += 1

        def happen() -> None:
            self._scheduler.sleep(after_s)
            with suppress(ClientError):  # nobody hears that it was refused
                effect()

        self._scheduler.start(f"late-{self._late}", happen)

    def _is_down(self, operation: str) -> bool:
        until_ms = self._down_until_ms.get(operation.partition(".")[0], 0)
        return until_ms > self._scheduler.now_ms

    def _told(self, operation: str, about: str, effect: Callable[[], T]) -> T:
        what = f"{operation} {about}"
        try:
            answer = effect()
        except ClientError as error:
            self._say(what, error.response["Error"]["Code"])
            raise
        self._say(what, "done")
        return answer

    def _say(self, what: str, outcome: str) -> None:
        if self._tell:
            self._tell(what, outcome)


def refused(operation: str) -> ClientError:
    return client_error(operation, "ThrottlingException")


def client_error(operation: str, code: str, **more: Any) -> ClientError:
    """A refusal by the service, as the SDK raises it; `more` stands in its response."""
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        **more,
    }
    return ClientError(response, operation.partition(".")[2])
