"""The publisher: tells other services what happened, by public events on the bus."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import msgspec

from reference_service.cqrs.change import Change
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.heartbeat import is_heartbeat
from reference_service.cqrs.parking import ParkedMarkers
from reference_service.cqrs.store import EventStore, Unavailable
from reference_service.schemas import Undecodable

CONSUMER = "publisher"
# What SNS and SQS carry; the bus itself takes more (quotas of SNS, SQS and PutEvents).
EVENT_LIMIT_BYTES = 256 * 1024

# policy(a stream's commits, n) -> the CloudEvents of each from the n-th on, one after the other;
# pure, so what it raises is permanent. The commits before only say what had happened.
PublicEvents: TypeAlias = Callable[[Sequence[Commit], int], Iterator[list[dict[str, Any]]]]


class Bus(Protocol):
    def publish(self, events: Sequence[dict[str, Any]]) -> list[bool]:
        """Publish CloudEvents; for each, whether the bus took it.

        Never raises for a transient fault: what was not confirmed is False.
        """


class Unpublishable(Exception):
    """A commit whose public events can never be published as they are."""


@dataclass(frozen=True)
class Published:
    """`failed` are to be delivered again, because of `error`."""

    failed: list[Change] = field(default_factory=list)
    published: int = 0
    parked: dict[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Republished:
    """All events up to commit `end` were published; `parked` is why it stops there."""

    stream: str
    published: int
    end: int
    parked: str | None


@dataclass(frozen=True)
class Slice:
    """One slice of a reconciliation; `cursor` is where the next begins, None at the first marker.

    `republished` are the streams that could be published whole; of the others that were looked
    at, `parked` in number, nothing was published.
    """

    cursor: str | None
    republished: list[Republished]
    parked: int


@dataclass(frozen=True)
class _Whole:
    """A stream's public events up to commit `number`, the last or the one with the fault.

    0 is the number of a fault that hides every commit.
    """

    stream: str
    number: int
    events: list[dict[str, Any]]
    fault: str | None


class Publisher:
    def __init__(
        self, store: EventStore, bus: Bus, markers: ParkedMarkers, public_events: PublicEvents
    ) -> None:
        self._store = store
        self._bus = bus
        self._markers = markers
        self._public_events = public_events

    def publish(self, changes: Sequence[Change]) -> Published:
        """Publish what the new commits mean to others. What can't be published is parked."""
        outgoing: list[tuple[Change, dict[str, Any]]] = []
        parked: dict[str, str] = {}
        history: dict[str, list[Commit]] = {}
        try:
            for change in changes:
                if change.kind != "INSERT":
                    continue  # The relay keeps the evidence and raises the alarm.
                try:
                    outgoing += [(change, event) for event in self._events(change, history)]
                except (Unpublishable, Undecodable) as fault:
                    self._markers.park(CONSUMER, change.stream, change.number, str(fault))
                    parked[change.stream] = str(fault)
        except Unavailable as fault:
            return Published(list(changes), 0, parked, str(fault))
        taken = self._bus.publish([event for _, event in outgoing])
        refused = {change.id for (change, _), done in zip(outgoing, taken, strict=True) if not done}
        return Published(
            [change for change in changes if change.id in refused],
            sum(taken),
            parked,
            "the bus did not confirm every event" if refused else None,
        )

    def republish(self, stream: str) -> Republished:
        """Publish every public event of the stream again, with the same ids.

        Clears the stream's marker, or stops at a fault and sets it anew. Raises Unavailable
        when an event was not confirmed: repeat it.
        """
        return self._tell(self._whole(stream))

    def retell(self, commits: Sequence[Commit], since: str) -> Republished:
        """Publish the events of those commits of a whole stream that are not before `since`.

        A fault parks; a marker that stands is left, for other commits may be behind it. Raises
        Unavailable when an event was not confirmed: repeat it.
        """
        stream, fault = commits[-1].stream, None
        number = sum(commit.at < since for commit in commits)  # `at` never runs backwards
        events: list[dict[str, Any]] = []
        try:
            for told in self._public(commits, number + 1):
                events += told
                number += 1
        except Unpublishable as unpublishable:
            fault = str(unpublishable)
        if not all(self._bus.publish(events)):
            raise Unavailable(f"{stream}: the bus did not confirm every event")
        if fault:
            self._markers.park(CONSUMER, stream, number + 1, fault)
        return Republished(stream, len(events), number, fault)

    def reconcile(
        self, cursor: str | None, *, page: int, budget_s: float, clock: Callable[[], float]
    ) -> Slice:
        """Republish the parked streams from `cursor` on whose fault is gone, for `budget_s`.

        A stream is parked by what a later deployment may know how to read. `clock` gives seconds
        that never run backwards. Raises Unavailable.
        """
        deadline, parked = clock() + budget_s, 0
        republished: list[Republished] = []
        while clock() < deadline:
            markers, following = self._markers.parked(CONSUMER, cursor, page)
            for marker in markers:
                if clock() >= deadline:
                    return Slice(cursor, republished, parked)
                whole = self._whole(marker.stream)
                if whole.fault:
                    parked += 1
                else:
                    republished.append(self._tell(whole))
                cursor = marker.stream
            cursor = following
            if cursor is None:
                break
        return Slice(cursor, republished, parked)

    def _whole(self, stream: str) -> _Whole:
        """The public events of every commit of the stream, up to a fault. Raises Unavailable."""
        number = 0
        events: list[dict[str, Any]] = []
        try:
            commits = self._store.load(stream)
        except Undecodable as fault:
            return _Whole(stream, number, events, str(fault))
        try:
            for told in self._public(commits, 1):
                events += told
                number += 1
        except Unpublishable as fault:
            return _Whole(stream, number + 1, events, str(fault))
        return _Whole(stream, number, events, None)

    def _tell(self, whole: _Whole) -> Republished:
        if not all(self._bus.publish(whole.events)):
            raise Unavailable(f"{whole.stream}: the bus did not confirm every event")
        if whole.fault is None:
            self._markers.clear(CONSUMER, whole.stream, whole.number)
            return Republished(whole.stream, len(whole.events), whole.number, None)
        standing = None if whole.number else self._markers.find(CONSUMER, whole.stream)
        number = standing.commit if standing else max(whole.number, 1)
        self._markers.park(CONSUMER, whole.stream, number, whole.fault)
        return Republished(whole.stream, len(whole.events), max(whole.number - 1, 0), whole.fault)

    def _events(self, change: Change, history: dict[str, list[Commit]]) -> list[dict[str, Any]]:
        if change.commit is None:
            raise Unpublishable(change.fault or "unreadable")
        if is_heartbeat(change.commit):
            return []  # and its history is not loaded for that
        commits = self._up_to(change.commit, history)
        return next(self._public(commits, len(commits)))

    def _up_to(self, commit: Commit, history: dict[str, list[Commit]]) -> list[Commit]:
        """The stream's commits up to this one, loaded once per batch."""
        if commit.commit == 1:
            return [commit]
        known = history.get(commit.stream, [])
        if len(known) < commit.commit:
            known = history[commit.stream] = self._store.load(commit.stream)
        commits = known[: commit.commit]
        if len(commits) < commit.commit or commits[-1].hash != commit.hash:
            raise Unpublishable(f"the event store has another commit {commit.commit}")
        return commits

    def _public(self, commits: Sequence[Commit], first: int) -> Iterator[list[dict[str, Any]]]:
        """The events of each commit from number `first` on. Raises Unpublishable."""
        telling = [commit for commit in commits if not is_heartbeat(commit)]
        silent = sum(map(is_heartbeat, commits[: first - 1]))
        told = self._public_events(telling, first - silent)
        for commit in commits[first - 1 :]:
            try:
                events = [] if is_heartbeat(commit) else next(told)
            except Exception as fault:  # a pure function fails for good: park, not retry
                raise Unpublishable(f"{type(fault).__name__}: {fault}") from fault
            _refuse_oversized(events)
            yield events


def _refuse_oversized(events: Iterable[dict[str, Any]]) -> None:
    for event in events:
        size_bytes = len(msgspec.json.encode(event))
        if size_bytes >= EVENT_LIMIT_BYTES:
            raise Unpublishable(f"{event['id']} takes {size_bytes} bytes")
