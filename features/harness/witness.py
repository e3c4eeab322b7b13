"""What was seen and done in one scenario, and what it amounts to: holds, violated or unknown."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from time import monotonic
from typing import Any, Literal

Verdict = Literal["holds", "violated", "unknown"]


class Unknown(AssertionError):
    """The scenario shows nothing: a fault never struck, or nothing was looked at."""


@dataclass(frozen=True)
class Fault:
    """`struck` counts how often it has met something until now; `required` that it must have.

    `moments` are when, as far as that is known, of time.monotonic().
    """

    name: str
    struck: Callable[[], int]
    required: bool = True
    moments: Collection[float] = ()


@dataclass
class Step:
    """`seconds` it took; `status` is "passed" or "failed"."""

    keyword: str
    name: str
    began: float
    seconds: float = 0.0
    status: str = "failed"


@dataclass
class Witness:
    """One scenario's. `random` is the source of everything that is left to chance in it.

    `replay` is the command that runs it again; `began` and the times of steps are of
    time.monotonic().
    """

    random: Random
    replay: str
    feature: str = ""
    scenario: str = ""
    began: float = field(default_factory=monotonic)
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    observed: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    # Each raises AssertionError for what cannot have been; asked when all steps have passed.
    judges: list[Callable[[], None]] = field(default_factory=list)
    # Each adds to what the report shows, JSON by name; asked at the end, whatever came out.
    tellers: list[Callable[[], dict[str, Any]]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)

    def since_began(self, at: str) -> float:
        """Seconds from the beginning to a moment that the service wrote down (ISO 8601)."""
        return (datetime.fromisoformat(at) - self.began_at).total_seconds()

    def saw(self, what: str, count: int = 1) -> None:
        """Something was looked at. A scenario that saw nothing is unknown."""
        self.observed[what] += count

    def expect_strikes(
        self,
        name: str,
        struck: Callable[[], int],
        *,
        required: bool = True,
        moments: Collection[float] = (),
    ) -> None:
        """A fault was ordered; if it is required and never strikes the scenario is unknown.

        What `struck` counts already, of a fault that another scenario ordered, does not count.
        """
        before = struck()
        self.faults.append(Fault(name, lambda: struck() - before, required, moments))

    def struck(self, name: str, count: int) -> None:
        """So often something has gone wrong already; never is not enough."""
        self.faults.append(Fault(name, lambda: count))

    def strikes(self) -> Counter[str]:
        """How often each fault has struck so far."""
        counts: Counter[str] = Counter()
        for fault in self.faults:
            counts[fault.name] += fault.struck()
        return counts

    def idle(self) -> list[str]:
        """The faults that have to strike, and have not yet."""
        return [fault.name for fault in self.faults if fault.required and not fault.struck()]

    def tell(self) -> None:
        """Gather what the report shows besides."""
        for teller in self.tellers:
            self.more |= teller()

    def judge(self) -> None:
        """Raises AssertionError for what cannot have been, and Unknown unless something was seen
        and every required fault struck."""
        for judge in self.judges:
            judge()
        if not self.observed.total():
            raise Unknown("Nothing was observed: the scenario shows nothing.")
        if idle := self.idle():
            raise Unknown(f"Never struck, so that nothing is shown: {', '.join(idle)}.")
