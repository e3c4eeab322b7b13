"""The heads that anchors hold, on disk however many there are, and streams held against them."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bitacora.audit.findings import Finding
from reference_service.cqrs.anchor import AnchoredHead


@dataclass(frozen=True)
class AnchoredCommit:
    """A commit of a stream that was its head when the anchor was made; `hash` in hex."""

    commit: int
    hash: str
    anchor: int


class AnchoredHeads:
    """In a file without a name, which ends with this."""

    def __init__(self) -> None:
        self._heads = sqlite3.connect("", isolation_level=None)
        self._heads.execute("PRAGMA journal_mode = OFF")
        self._heads.execute(
            "CREATE TABLE head (stream TEXT, number INTEGER, hash BLOB, anchor INTEGER,"
            " PRIMARY KEY (stream, number, hash)) WITHOUT ROWID"
        )

    def add(self, anchor: int, heads: Iterable[AnchoredHead]) -> None:
        """What is known already stays as it is."""
        self._heads.execute("BEGIN")
        self._heads.executemany(
            "INSERT OR IGNORE INTO head VALUES (?, ?, ?, ?)",
            ((stream, number, bytes.fromhex(hash_), anchor) for stream, number, hash_ in heads),
        )
        self._heads.execute("COMMIT")

    def of(self, stream: str) -> list[AnchoredCommit]:
        """Ascending by number; two of one number contradict each other."""
        found = self._heads.execute(
            "SELECT number, hash, anchor FROM head WHERE stream = ? ORDER BY number", [stream]
        )
        return [AnchoredCommit(number, hash_.hex(), anchor) for number, hash_, anchor in found]

    def streams(self) -> Iterator[str]:
        for (stream,) in self._heads.execute("SELECT DISTINCT stream FROM head"):
            yield stream

    def __len__(self) -> int:
        (count,) = self._heads.execute("SELECT count(*) FROM head").fetchone()
        return int(count)


def against(
    stream: str, stored: Mapping[int, str | None], anchored: Sequence[AnchoredCommit]
) -> Iterator[Finding]:
    """What the stream lacks or tells otherwise; `stored` are its hashes by commit number.

    Every anchored commit counts, not the newest alone: a chain that was computed anew has been
    anchored anew too, and an older anchor still knows the other one. A commit that agrees vouches
    for all before it, by the chain. None stands for an item that is no commit, a finding already.
    """
    if not anchored:
        return
    head, newest = max(stored, default=0), anchored[-1]
    if not stored:
        detail = f"anchor {newest.anchor} holds its commit {newest.commit}"
        yield Finding(stream, None, "removed-stream", detail)
    elif newest.commit > head:
        detail = f"ends at commit {head}, anchor {newest.anchor} holds commit {newest.commit}"
        yield Finding(stream, head + 1, "cut-off", detail)
    for one in anchored:
        if stored.get(one.commit) not in (None, one.hash):
            detail = f"its hash is not the one that anchor {one.anchor} holds"
            yield Finding(stream, one.commit, "anchor-mismatch", detail)
            return
