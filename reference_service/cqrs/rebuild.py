"""A rebuild: a new generation of a read model beside the live one, and the swap.

scan      histories of the event store are folded and filled in, without keys; of what commits
          meanwhile only the stream is noted
keys      the tables get their sums and keys, statement by statement
catch-up  what was noted is repaired; from here on commits are applied as they come
compare   with the live generation where both stand at the same commit, in ranges; what differs is
          folded once more to know which of them is wrong
swap      when the new one is right, what is behind the live one is repaired under the pointer's
          lock, and the pointer moved

Each step is one transaction that also keeps how far it has come: a slice that is killed anywhere
goes on there, and of two slices at once one finds its step done. Workers may share the scan.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import msgspec

from reference_service.cqrs.gate import START
from reference_service.cqrs.projection import (
    Advance,
    Park,
    Position,
    Project,
    Projector,
    ReadModel,
    Unstorable,
    extend,
)
from reference_service.cqrs.store import EventStore, History
from reference_service.schemas import Undecodable

Phase: TypeAlias = Literal["scan", "keys", "catch-up", "compare", "refused", "live", "old"]
# Streams that one transaction repairs, and at most so many under the lock of the swap.
REPAIRED_AT_ONCE = 100
# Streams that are folded once more when there is nothing of the same version to compare with.
SAMPLE = 200


@dataclass(frozen=True)
class Segment:
    number: int
    cursor: str | None


@dataclass(frozen=True)
class Share:
    """The segments that one of several workers scans: every `of`-th, beginning with `number`."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ValueError(f"no worker {self.number} of {self.of}: they count from 0")

    def __contains__(self, segment: Segment) -> bool:
        return segment.number % self.of == self.number


WHOLE = Share()


@dataclass(frozen=True)
class Difference:
    """`wrong` is the generation that is not what the event store comes to."""

    stream: str
    wrong: Literal["live", "new"]
    detail: str


@dataclass(frozen=True)
class Compared:
    """The streams that differ in one range; the next begins at `following`, None at the end."""

    streams: list[str]
    following: str | None


@dataclass(frozen=True)
class Progress:
    """`commits` of about `expected` are filled in; `differences` are the first of those found."""

    generation: str
    version: int
    phase: Phase
    streams: int
    commits: int
    expected: int
    elapsed_s: float
    differences: list[Difference]


@dataclass(frozen=True)
class _Page:
    """What a page of one segment came to; `following` is where its next page begins."""

    advances: list[Advance]
    commits: int
    following: str | None


class Building(Protocol):
    """A generation that is not live yet. All raise Unavailable."""

    def phase(self) -> Phase: ...

    def progress(self) -> Progress: ...

    def segments(self) -> list[Segment]:
        """Those that are not done, of `segment_count` in all."""

    @property
    def segment_count(self) -> int: ...

    def fill(
        self, segment: Segment, following: str | None, advances: Sequence[Advance], commits: int
    ) -> bool:
        """Add what a page came to, and move the segment's cursor; False when it was moved before.

        Raises Unstorable; then nothing was changed.
        """

    def unstorable(self, advances: Sequence[Advance]) -> dict[str, str]:
        """Why, for each stream whose row can't be stored."""

    def turn(self, before: Phase, after: Phase) -> None:
        """Go over from one phase to the next, unless that was done."""

    def key(self) -> bool:
        """The next statement that gives the tables keys; False when none is left."""

    def touched(self, limit: int) -> list[str]:
        """Streams of which commits arrived before the keys."""

    def untouch(self, streams: Sequence[str]) -> None: ...

    def behind(self, limit: int) -> dict[str, int]:
        """Streams whose live gate is ahead, and where it stands; parked and lost ones left out."""

    def lose(self, stream: str, commit: int) -> None:
        """The live gate stands at a commit that the event store does not have."""

    def compare(self) -> Compared | None:
        """The next range against the live generation; None when that has another version."""

    def keep_compared(self, following: str | None, differences: Sequence[Difference]) -> None: ...

    def sample(self, size: int) -> list[str]: ...

    def faults(self, limit: int) -> list[Difference]:
        """Streams that are parked behind the live gate, sums that are not those of the rows, and
        what the live one shows although it is lost."""

    def swap(self, repair: Callable[[str], object]) -> bool:
        """Make it live when nothing is behind; False when too much is, or can't be repaired."""


class Rebuild:
    """`read_model` is the generation being built, and `projector` the one that writes it."""

    def __init__(
        self,
        store: EventStore,
        building: Building,
        read_model: ReadModel,
        projector: Projector,
        project: Project,
    ) -> None:
        self._store = store
        self._building = building
        self._read_model = read_model
        self._projector = projector
        self._project = project

    def slice(self, budget_s: float, clock: Callable[[], float], share: Share = WHOLE) -> Progress:
        """Go on for about `budget_s`. `clock` gives seconds that never run backwards.

        It ends at once when another slice is found to scan the same segments; with a share it ends
        with the scan, for what follows is for one. Raises Unavailable: what was done stays done.
        """
        deadline = clock() + budget_s

        def over() -> bool:
            return clock() >= deadline

        while not over():
            match self._building.phase():
                case "scan":
                    if not self._scan(over, share):
                        break
                case _ if share != WHOLE:
                    break
                case "keys":
                    if not self._building.key():
                        self._building.turn("keys", "catch-up")
                case "catch-up":
                    self._catch_up()
                case "compare":
                    self._compare()
                case "refused" | "live" | "old":
                    break
        return self._building.progress()

    def _scan(self, over: Callable[[], bool], share: Share) -> bool:
        """False when what is left is for others to scan, or others are at it already."""
        open_ = self._building.segments()
        if not open_:
            self._building.turn("scan", "keys")
            return True
        mine = [segment for segment in open_ if segment in share]
        if not mine:
            return False
        with ThreadPoolExecutor(len(mine)) as pool:

            def read(segment: Segment) -> Future[_Page]:
                return pool.submit(self._page, segment)

            reading = {read(segment): segment for segment in mine}
            while reading:
                for page in wait(reading, return_when=FIRST_COMPLETED).done:
                    segment = reading.pop(page)
                    found = page.result()
                    if found.following is not None and not over():
                        further = Segment(segment.number, found.following)
                        reading[read(further)] = further
                    if not self._fill(segment, found):
                        return False
        return True

    def _page(self, segment: Segment) -> _Page:
        """Read and folded in a thread of the pool, while the database takes another page."""
        histories, following = self._store.histories(
            segment.cursor, segment=segment.number, segments=self._building.segment_count
        )
        return _Page(
            advances=[self._filled(history) for history in histories],
            commits=sum(len(history.commits) for history in histories),
            following=following,
        )

    def _fill(self, segment: Segment, page: _Page) -> bool:
        advances = page.advances
        try:
            return self._building.fill(segment, page.following, advances, page.commits)
        except Unstorable:
            reasons = self._building.unstorable(advances)
            advances = [_parked(one, reasons.get(one.stream)) for one in advances]
            return self._building.fill(segment, page.following, advances, page.commits)

    def _filled(self, history: History) -> Advance:
        fault = history.fault and f"the event store holds what is no commit: {history.fault}"
        if fault is None:
            whole = extend(self._project, history.stream, Position(), history.commits)
            if whole is not None:
                return whole
            fault = "the event store has a hole in this stream"
        return Advance(history.stream, START, START, park=Park(1, fault))

    def _catch_up(self) -> None:
        touched = self._building.touched(REPAIRED_AT_ONCE)
        for stream in touched:
            self._projector.repair(stream)
        if touched:
            self._building.untouch(touched)
            return
        behind = self._building.behind(REPAIRED_AT_ONCE)
        for stream, shown in behind.items():
            done = self._projector.repair(stream)
            # The repair has read the event store after the live gate: what is not there is lost.
            if done.end < shown and not done.parked:
                self._building.lose(stream, shown)
        if not behind:
            self._building.turn("catch-up", "compare")

    def _compare(self) -> None:
        """One range; after the last one, what else can be wrong, and the swap."""
        compared = self._building.compare()
        if compared is not None and compared.following is not None:
            differences = self._judged(compared.streams)
            self._building.keep_compared(compared.following, differences)
            return
        last = compared.streams if compared else self._building.sample(SAMPLE)
        found = [*self._judged(last, sampled=compared is None), *self._building.faults(100)]
        self._building.keep_compared(None, found)
        if any(one.wrong == "new" for one in self._building.progress().differences):
            self._building.turn("compare", "refused")
        elif not self._building.swap(self._projector.repair):
            self._building.turn("compare", "catch-up")

    def _judged(self, streams: Sequence[str], *, sampled: bool = False) -> list[Difference]:
        """For streams that differ, or for a sample: whether the new generation is wrong."""
        positions = self._read_model.positions(streams) if streams else {}
        judged = []
        for stream, position in positions.items():
            fault = self._fault(stream, position)
            if fault:
                judged.append(Difference(stream, "new", fault))
            elif not sampled:
                judged.append(Difference(stream, "live", "the new row is what the events come to"))
        return judged

    def _fault(self, stream: str, position: Position) -> str | None:
        """What is wrong with a position that the event store can tell."""
        gate = position.gate or START
        try:
            commits = self._store.load(stream)[: gate.commit]
        except Undecodable as fault:
            return None if position.parked else str(fault)
        whole = extend(self._project, stream, Position(), commits)
        if whole is None or whole.end != gate:
            return f"stands at commit {gate.commit}, which is not the event store's"
        return None if whole.row == position.row else "a row that the events do not come to"


def _parked(advance: Advance, reason: str | None) -> Advance:
    if reason is None:
        return advance
    park = Park(1, f"the read model refuses the row: {reason}")
    return msgspec.structs.replace(advance, end=START, row=None, at=None, park=park)
