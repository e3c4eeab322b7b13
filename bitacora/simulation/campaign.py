"""Many histories, each from its own seed, judged; and of one that fails the smallest that does."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing import get_context
from random import Random
from signal import SIG_IGN, SIGINT, signal

from bitacora.simulation.decisions import Decisions
from bitacora.simulation.faults import Fault
from bitacora.simulation.observed import Happened
from bitacora.simulation.parts import REAL, Parts
from bitacora.simulation.plan import plan
from bitacora.simulation.shrink import Case, Run, again, run, shrunk
from bitacora.simulation.verdict import Finding, Verdict

ALL = tuple(Fault)
# A history in which nothing was ever appended says nothing. Faults may do that, seldom.
UNKNOWN_AT_MOST = 0.01
# Seeds that are told of; the others are counted.
KEPT_SEEDS = 10
SLICE = 50


@dataclass
class Summary:
    """What came of many histories. Only the first seeds of each kind are kept.

    `idle` are histories without a fault in which nothing happened all the same.
    """

    histories: int = 0
    commits: int = 0
    operations: int = 0
    injected: Counter[Fault] = field(default_factory=Counter)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    idle: int = 0
    violated: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    def count(self, seed: int, done: Run) -> None:
        verdict = judged(done)
        self.histories += 1
        self.verdicts[verdict] += 1
        if done.history:
            self.commits += sum(map(len, done.history.seen.commits.values()))
            self.operations += len(done.history.operations)
            self.injected.update(done.history.injected)
            self.idle += verdict == "unknown" and not done.history.injected
        if verdict != "holds":
            self._keep(self.violated if verdict == "violated" else self.unknown, [seed])

    def add(self, other: "Summary") -> None:
        self.histories += other.histories
        self.commits += other.commits
        self.operations += other.operations
        self.injected.update(other.injected)
        self.verdicts.update(other.verdicts)
        self.idle += other.idle
        self._keep(self.violated, other.violated)
        self._keep(self.unknown, other.unknown)

    def problems(self, faults: Sequence[Fault]) -> list[str]:
        """Why these histories do not show that all is well; empty when they do."""
        told, unknown = [], self.verdicts["unknown"]
        if self.violated:
            told.append(f"{self.verdicts['violated']} of {self.histories} histories went wrong.")
        if self.idle:
            told.append(f"Nothing happened in {self.idle} histories without a fault.")
        if unknown > max(1, UNKNOWN_AT_MOST * self.histories):
            told.append(f"Nothing was appended in {unknown} of {self.histories} histories.")
        if never := [fault.value for fault in faults if not self.injected[fault]]:
            told.append(f"Never met: {', '.join(never)}. More histories meet more.")
        return told

    def verdict(self, faults: Sequence[Fault]) -> Verdict:
        if self.violated:
            return "violated"
        return "unknown" if self.problems(faults) else "holds"

    @staticmethod
    def _keep(seeds: list[int], more: Sequence[int]) -> None:
        seeds += more[: KEPT_SEEDS - len(seeds)]


@dataclass(frozen=True)
class Failure:
    """A seed that fails; `before` is its case, `case` the smallest that fails in the same way."""

    seed: int
    before: Case
    case: Case
    findings: list[Finding]
    trace: list[Happened]


@contextmanager
def silent() -> Iterator[None]:
    """What the service logs of a fault is not shown: the trace tells it."""
    logger = logging.getLogger("reference_service")
    before = logger.level
    if before < logging.CRITICAL:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        if logger.level != before:
            logger.setLevel(before)


@silent()
def simulate(seed: int, parts: Parts = REAL, faults: Sequence[Fault] = ALL) -> Run:
    """The history of a seed, the same every time. Only these kinds of fault happen."""
    random = Random(seed)
    return run(plan(random, faults), Decisions(random), parts)


def judged(done: Run) -> Verdict:
    """Unknown when nothing was ever appended: then nothing was shown either."""
    if done.findings:
        return "violated"
    return "holds" if done.history and done.history.seen.commits else "unknown"


@silent()
def survey(seeds: Sequence[int], parts: Parts = REAL, faults: Sequence[Fault] = ALL) -> Summary:
    """The histories of all the seeds."""
    summary = Summary()
    for seed in seeds:
        summary.count(seed, simulate(seed, parts, faults))
    return summary


def surveys(
    seeds: range, parts: Parts = REAL, faults: Sequence[Fault] = ALL, jobs: int = 1
) -> Iterator[Summary]:
    """Slice by slice, in so many processes; the same in whatever number of them."""
    slices = (seeds[start : start + SLICE] for start in range(0, len(seeds), SLICE))
    surveyed = partial(survey, parts=parts, faults=faults)
    if jobs == 1:
        yield from map(surveyed, slices)
        return
    # Not forked: whoever asks may have threads.
    pool = ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=signal, initargs=(SIGINT, SIG_IGN)
    )
    try:
        # A few slices ahead of the reader: what waits to be read takes no memory.
        while ahead := list(islice(slices, 8 * jobs)):
            yield from pool.map(surveyed, ahead)
    finally:  # interrupted, at the end of the slices that are under way
        pool.shutdown(cancel_futures=True)


@silent()
def explained(seed: int, parts: Parts = REAL, faults: Sequence[Fault] = ALL) -> Failure | None:
    """The smallest case that fails as the history of the seed does; None if that one does not."""
    first = simulate(seed, parts, faults)
    if not first.findings:
        return None
    done = again(shrunk(first.case, parts), parts, traced=True)
    trace = done.history.trace if done.history else []
    return Failure(seed, first.case, done.case, done.findings, trace)
