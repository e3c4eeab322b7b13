"""The anchors of a target, from the newest to the oldest: each vouches for the one before it.

Only what a later link vouches for counts, so that an altered anchor accuses no stream. For the
newest one nothing vouches but the lock of its bucket.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from bitacora.audit.anchored_heads import AnchoredHeads
from bitacora.audit.findings import Finding, Kind
from bitacora.audit.source import READERS, Source
from reference_service.cqrs.anchor import (
    Anchor,
    NoAnchor,
    anchor_name,
    anchor_number,
    decode_anchor,
    decode_part,
    digest,
    part_name,
)
from reference_service.cqrs.commit import GENESIS


@dataclass
class Anchored:
    """What the anchors hold: every commit acknowledged before `up_to` (empty: none is anchored).

    `anchors` counts the sound ones, `lock` says how their bucket keeps them.
    """

    up_to: str = ""
    anchors: int = 0
    lock: str = ""
    heads: AnchoredHeads = field(default_factory=AnchoredHeads)
    findings: list[Finding] = field(default_factory=list)


def anchored(source: Source) -> Anchored:
    """Raises what the source raises."""
    with ThreadPoolExecutor(READERS) as readers:
        return _Reading(source, readers).all()


class _Reading:
    def __init__(self, source: Source, readers: ThreadPoolExecutor) -> None:
        self._source = source
        self._readers = readers
        self._kept = {kept.name: kept for kept in source.kept()}
        self._found = Anchored(lock=source.lock() or "")

    def all(self) -> Anchored:
        if not self._found.lock:
            self._report("unlocked-anchor", "their bucket has no lock that keeps them")
        anchors = list(self._anchors())
        for anchor in self._whole(anchors):
            self._found.anchors += 1
            self._found.up_to = max(self._found.up_to, anchor.began)
        self._found.findings.sort(key=lambda finding: finding.detail)
        return self._found

    def _anchors(self) -> Iterator[Anchor]:
        """The sound ones, the newest first."""
        newest = max((anchor_number(name) or 0 for name in self._kept), default=0)
        numbers = range(newest, 0, -1)
        vouched = None
        for number, stored in zip(numbers, self._read(map(anchor_name, numbers)), strict=True):
            anchor = self._anchor(number, stored, vouched)
            vouched = anchor.prev if anchor else None
            if anchor:
                yield anchor

    def _anchor(self, number: int, stored: bytes | None, vouched: str | None) -> Anchor | None:
        if stored is None:
            self._broken(f"anchor {number} is missing")
            return None
        if vouched not in (None, digest(stored)):
            self._broken(f"anchor {number} is not the one that anchor {number + 1} follows")
            return None
        try:
            anchor = decode_anchor(stored)
        except NoAnchor as fault:
            self._broken(f"anchor {number} cannot be read: {fault}")
            return None
        if anchor.anchor != number or (anchor.prev == GENESIS) is not (number == 1):
            self._broken(f"anchor {number} stands in another place than it says")
            return None
        return anchor

    def _whole(self, anchors: list[Anchor]) -> Iterator[Anchor]:
        """Those with all their parts, whose heads are known from now on."""
        wanted = [(anchor, part) for anchor in anchors for part in range(anchor.parts, 0, -1)]
        names = (part_name(anchor.anchor, part) for anchor, part in wanted)
        vouched: str | None = None
        for (anchor, part), stored in zip(wanted, self._read(names), strict=True):
            if part == anchor.parts:
                vouched = anchor.last
            if vouched is None:  # a later part of it is broken
                continue
            vouched = self._part(anchor, part, stored, vouched)
            if part == 1 and vouched is not None:
                if vouched == anchor.prev:
                    yield anchor
                else:
                    self._broken(f"anchor {anchor.anchor}: part 1 follows another anchor")

    def _part(self, anchor: Anchor, part: int, stored: bytes | None, vouched: str) -> str | None:
        """Take over its heads; the digest of the part before it."""
        name = f"anchor {anchor.anchor}: part {part}"
        if stored is None:
            self._broken(f"{name} is missing")
            return None
        if digest(stored) != vouched:
            self._broken(f"{name} is not the one that was anchored")
            return None
        try:
            header, heads = decode_part(stored)
        except NoAnchor as fault:
            self._broken(f"{name} cannot be read: {fault}")
            return None
        self._found.heads.add(anchor.anchor, heads)
        return header.prev

    def _read(self, names: Iterable[str]) -> Iterator[bytes | None]:
        """Each object as it was put first, None for one that is not there; a few at once."""
        rest = iter(names)
        while batch := list(islice(rest, 2 * READERS)):
            yield from self._readers.map(self._object, batch)

    def _object(self, name: str) -> bytes | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        if kept.changes:
            self._broken(f"{name} was hidden or written over later")
        witness = self._source.witness(kept)
        if self._found.lock and not witness.locked:
            self._report("unlocked-anchor", f"{name} is not locked")
        return witness.stored

    def _broken(self, detail: str) -> None:
        self._report("broken-anchor", detail)

    def _report(self, kind: Kind, detail: str) -> None:
        self._found.findings.append(Finding("", None, kind, detail))
