"""Processes that take turns, one at a time, on a clock of their own.

A process is a greenlet: it goes on until it calls a store or waits, and there another may take its
turn. Which one is a decision; so every order in which their calls can meet is found by some seed.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

from bitacora.simulation.decisions import Decisions

BEGINNING = datetime(2026, 1, 1, 12, tzinfo=UTC)
CALL_MS = 4
# How probable it is that it is not the first process that goes on where one has to wait.
LEAVING = 0.5
# A history that goes on for longer hangs: its processes wait for each other, or repeat for ever.
TURNS = 8_000


class Stuck(BaseException):
    """The processes went on and on without coming to an end; no part of the service catches it."""


def _always() -> bool:
    return True


def _never() -> None:
    return None


class Process:
    """It goes on when `until` holds; `moment` is when that may be by the clock alone, in ms.

    `label` is the name that its choices go by.
    """

    def __init__(self, name: str, work: Callable[[], None], hub: greenlet) -> None:
        self.name = self.label = name
        # Where it goes when it ends, whoever has started it.
        self.run = greenlet(work, hub)
        self.until: Callable[[], bool] = _always
        self.moment: Callable[[], int | None] = _never


class Scheduler:
    """`now_ms` counts from BEGINNING."""

    def __init__(self, decisions: Decisions, switching: float) -> None:
        """`switching` is how probable it is that another process goes on at a call."""
        self._decisions = decisions
        self._switching = switching
        self._processes: list[Process] = []
        self._current: Process | None = None
        self._turns = 0
        self._hub = getcurrent()
        self.now_ms = 0

    def start(self, name: str, work: Callable[[], None]) -> None:
        self._processes.append(Process(name, work, self._hub))

    @property
    def who(self) -> str:
        return self._current.label if self._current else "outside"

    def go_by(self, name: str) -> None:
        """The process that runs makes its next choices under another name."""
        if self._current:
            self._current.label = name

    def utc(self, skew_ms: int = 0) -> datetime:
        return BEGINNING + timedelta(milliseconds=self.now_ms + skew_ms)

    def seconds(self) -> float:
        return self.now_ms / 1000

    def turn(self, eagerness: float = 1) -> None:
        """A call takes its time, and meanwhile another process may go on."""
        self.now_ms += CALL_MS
        current = self._current
        if current is None:
            return
        self._count()
        chance = min(LEAVING, eagerness * self._switching)
        name = self._decisions.choose("turn", current.label, self._others, chance)
        if name is not None:
            self._hub.switch(name)

    def wait(self, until: Callable[[], bool], moment: Callable[[], int | None] = _never) -> None:
        """Let others go on until the condition holds.

        `moment` tells when that may be (`now_ms`) although nobody does anything, None for never.
        """
        current = self._current
        if until():
            return
        assert current
        current.until, current.moment = until, moment
        self._hub.switch(self._decisions.choose("next", current.label, self._others, LEAVING))

    def sleep(self, seconds: float) -> None:
        then_ms = self.now_ms + max(1, round(seconds * 1000))
        if self._current is None:
            self.now_ms = then_ms
        else:
            self.wait(lambda: self.now_ms >= then_ms, lambda: then_ms)

    def run(self) -> None:
        """Until every process has ended, or waits for what will not come."""
        preferred: str | None = None
        while process := self._next(preferred):
            process.until, process.moment = _always, _never
            self._current = process
            self._count()
            preferred = process.run.switch()
            self._current = None
            if process.run.dead:
                self._processes.remove(process)
                preferred = None

    def end(self) -> None:
        """End the processes that still wait."""
        for process in self._processes:
            if process.run:
                process.run.throw(GreenletExit)
        self._processes.clear()

    def _count(self) -> None:
        self._turns += 1
        if self._turns > TURNS:
            raise Stuck(f"no end after {TURNS} turns")

    def _others(self) -> list[str]:
        """Who could go on instead of the process that does."""
        current = self._current
        return [one.name for one in self._processes if one is not current and one.until()]

    def _next(self, preferred: str | None) -> Process | None:
        """The preferred process, else the first that can go on."""
        processes = self._processes
        if preferred is not None:
            return next(process for process in processes if process.name == preferred)
        if ready := next((process for process in processes if process.until()), None):
            return ready
        moments = [moment for one in processes if (moment := one.moment()) is not None]
        if not moments:
            return None
        self.now_ms = max(self.now_ms, min(moments))
        return next(process for process in processes if process.until())
