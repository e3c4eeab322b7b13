"""Anchors the heads of all streams: slice by slice, each part an object that is never replaced.

What is done so far stands in the store of the anchors itself: a run that died, or whose time was
up, is continued by the next; of two that run at once each part is written by one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reference_service.cqrs.anchor import (
    ANCHORS,
    HIGHEST,
    Anchor,
    AnchoredHead,
    Part,
    anchor_name,
    anchor_number,
    decode_anchor,
    decode_part,
    digest,
    encode_anchor,
    encode_part,
    part_name,
    part_number,
    parts_prefix,
)
from reference_service.cqrs.commit import GENESIS, timestamp
from reference_service.cqrs.store import EventStore, Head

# An anchor holds the streams that changed since the one before it began, and now and then all:
# a commit that lies about its time is anchored then.
FULL_AFTER = timedelta(days=30)
# A commit's time is when its command was decided, at most this long before it was in the store.
OVERLAP = timedelta(minutes=10)
# About 2.5 MB of text, half of that packed.
PART_HEADS = 20_000
# DynamoDB reads 1 MB at a time, about as many ordinary commits.
PAGE = 1_000
_DIGEST = re.compile(r"[0-9a-f]{64}")


class AnchorStore(Protocol):
    """Objects by name that are written once. Every method raises Unavailable."""

    def names(self, prefix: str) -> list[str]:
        """Of every object below the prefix, ascending."""

    def read(self, name: str) -> bytes: ...

    def keep(self, name: str, stored: bytes) -> bool:
        """False when another object has the name; the same one again is kept."""


@dataclass(frozen=True)
class Slice:
    """What one run did for an anchor: heads that it kept, and whether the anchor is complete.

    `overtaken`: another run has written the same part, and goes on with it.
    """

    anchor: int
    heads: int
    complete: bool
    overtaken: bool = False


@dataclass(frozen=True)
class _Place:
    """Where an anchor stands: its last part and that part's digest (the first one's `prev`)."""

    last: Part
    digest: str


class Anchoring:
    def __init__(
        self, events: EventStore, anchors: AnchorStore, now: Callable[[], datetime]
    ) -> None:
        self._events = events
        self._anchors = anchors
        self._now = now

    def go_on(self, budget: timedelta) -> Slice:
        """Continue the anchor that is not complete, or begin the next, for about `budget`.

        Raises Unavailable; NoAnchor when what stands there is none.
        """
        until, heads = self._now() + budget, 0
        previous, before = self._newest()
        number = previous.anchor + 1 if previous else 1
        place = self._place(number, previous, before)
        while place.last.part == 0 or place.last.cursor is not None:
            header, found = self._part(place, until)
            stored = encode_part(header, found)
            if not self._anchors.keep(part_name(number, header.part), stored):
                return Slice(number, heads, complete=False, overtaken=True)
            heads += len(found)
            place = _Place(header, digest(stored))
            if header.cursor is not None and self._now() >= until:
                return Slice(number, heads, complete=False)
        complete = encode_anchor(self._anchor(place, previous, before))
        kept = self._anchors.keep(anchor_name(number), complete)
        return Slice(number, heads, complete=kept, overtaken=not kept)

    def _newest(self) -> tuple[Anchor | None, str]:
        """The newest complete anchor and its digest."""
        numbers = [anchor_number(name) or 0 for name in self._anchors.names(ANCHORS)]
        newest = max(numbers, default=0)
        if not newest:
            return None, GENESIS
        stored = self._anchors.read(anchor_name(newest))
        return decode_anchor(stored), digest(stored)

    def _place(self, number: int, previous: Anchor | None, before: str) -> _Place:
        written = [part_number(name) for name in self._anchors.names(parts_prefix(number))]
        last = max((found for found in written if found), default=None)
        if last:
            stored = self._anchors.read(part_name(*last))
            return _Place(decode_part(stored)[0], digest(stored))
        began = self._now()
        return _Place(
            Part(
                anchor=number,
                part=0,
                began=timestamp(began),
                since=_since(previous, began),
                heads=0,
                prev=GENESIS,
                cursor=None,
            ),
            before,
        )

    def _part(self, place: _Place, until: datetime) -> tuple[Part, list[AnchoredHead]]:
        """The next one: full, or what there was until then, at least a page."""
        found: list[AnchoredHead] = []
        cursor, pages = place.last.cursor, 0
        while pages == 0 or (
            cursor is not None and len(found) < PART_HEADS and self._now() < until
        ):
            heads, cursor = self._events.heads(cursor, PAGE, consistent=True)
            found += [
                (head.stream, head.commit, head.hash)
                for head in heads
                if head.at >= place.last.since and _is_commit(head)
            ]
            pages += 1
        header = Part(
            anchor=place.last.anchor,
            part=place.last.part + 1,
            began=place.last.began,
            since=place.last.since,
            heads=place.last.heads + len(found),
            prev=place.digest,
            cursor=cursor,
        )
        return header, found

    def _anchor(self, place: _Place, previous: Anchor | None, before: str) -> Anchor:
        last = place.last
        return Anchor(
            anchor=last.anchor,
            began=last.began,
            ended=timestamp(self._now()),
            since=last.since,
            full=previous.full if previous and last.since else last.began,
            parts=last.part,
            heads=last.heads,
            prev=before,
            last=place.digest,
        )


def _is_commit(head: Head) -> bool:
    return 0 < head.commit <= HIGHEST and _DIGEST.fullmatch(head.hash) is not None


def _since(previous: Anchor | None, began: datetime) -> str:
    """From when on a stream must have changed to be in the next anchor; empty for all streams."""
    if previous is None or began - datetime.fromisoformat(previous.full) >= FULL_AFTER:
        return ""
    return timestamp(datetime.fromisoformat(previous.began) - OVERLAP)
