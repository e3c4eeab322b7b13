"""After a stream stood longer than it keeps its records: the event store tells what was lost.

Every read model is repaired and every public event published again of the commits since a moment.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from reference_service.cqrs.healing import ReadModels
from reference_service.cqrs.publish import Publisher
from reference_service.cqrs.store import EventStore, Head, History


class BadCursor(Exception):
    """A text that is no cursor of a slice."""


class _Place(msgspec.Struct, array_like=True):
    """A page of the event store's histories, after one of its streams or at its beginning."""

    page: str | None = None
    after: str | None = None

    def cursor(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


@dataclass
class Resynced:
    """One slice; `cursor` is where the next begins, None when this one saw the last stream.

    Of all streams looked at, `concerned` have commits since the moment, `behind` of which a read
    model did not show or a consumer had parked; `parked` still are.
    """

    cursor: str | None = None
    streams: int = 0
    commits: int = 0
    concerned: int = 0
    behind: int = 0
    published: int = 0
    parked: list[str] = field(default_factory=list)


class Resync:
    def __init__(self, store: EventStore, read_models: ReadModels, publisher: Publisher) -> None:
        self._store = store
        self._read_models = read_models
        self._publisher = publisher

    def slice(
        self,
        cursor: str | None,
        since: str,
        *,
        budget_s: float,
        clock: Callable[[], float],
        dry_run: bool = False,
    ) -> Resynced:
        """From `cursor` on, for about `budget_s`; a dry run only counts.

        `since` is a commit's time or one like it. `clock` gives seconds that never run backwards.
        Raises BadCursor, and Unavailable: then repeat the slice.
        """
        place, deadline, done = _place(cursor), clock() + budget_s, Resynced()
        while True:
            histories, following = self._store.histories(place.page)
            rest = _after(histories, place.after)
            concerned = [one for one in rest if one.fault or one.commits[-1].at >= since]
            behind = self._behind(concerned)
            for history in rest:
                done.streams += 1
                done.commits += len(history.commits)
                if history in concerned:
                    self._one(history, since, behind.get(history.stream, []), done, dry_run)
                place.after = history.stream
                if clock() >= deadline:
                    done.cursor = place.cursor()
                    return done
            if following is None:
                return done
            place = _Place(following)

    def _one(
        self, history: History, since: str, behind: Sequence[str], done: Resynced, dry_run: bool
    ) -> None:
        done.concerned += 1
        done.behind += bool(behind)
        if dry_run:
            return
        parked = [self._read_models[name]().repair(history.stream).parked for name in behind]
        if history.fault:
            told = self._publisher.republish(history.stream)
        else:
            told = self._publisher.retell(history.commits, since)
        done.published += told.published
        if told.parked or any(parked):
            done.parked.append(history.stream)

    def _behind(self, histories: Iterable[History]) -> dict[str, list[str]]:
        """The read models that have to be repaired, by stream. Where a fault is: all of them."""
        found: dict[str, list[str]] = {}
        heads = []
        for history in histories:
            if history.fault:
                found[history.stream] = list(self._read_models)
            else:
                last = history.commits[-1]
                heads.append(Head(last.stream, last.commit, last.hash, last.at))
        for name, projector in self._read_models.items() if heads else ():
            for stream in projector().behind(heads):
                found.setdefault(stream, []).append(name)
        return found


def check(cursor: str) -> None:
    """Raises BadCursor."""
    _place(cursor)


def _after(histories: Sequence[History], stream: str | None) -> list[History]:
    """What comes after the stream; all of the page if it is not there any more."""
    streams = [history.stream for history in histories]
    return list(histories[streams.index(stream) + 1 :] if stream in streams else histories)


def _place(cursor: str | None) -> _Place:
    if cursor is None:
        return _Place()
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(
            base64.b64decode(padded, altchars=b"-_", validate=True), type=_Place
        )
    except (ValueError, msgspec.MsgspecError) as fault:
        raise BadCursor(f"{cursor!r} is no cursor of a resync") from fault
