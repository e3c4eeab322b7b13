"""The relay: puts each commit on the log, and never passes a stream that failed.

PutRecords fails record by record and promises no order within a call when some fail. So a call
holds at most one entry per stream, and what follows a failed entry in its stream waits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from reference_service.cqrs.change import Change
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.parking import ParkedMarkers
from reference_service.cqrs.store import Unavailable

CONSUMER = "relay"
# Below the log's 1 MB per record, its key and JSON around the commits included. One commit always
# fits: a stored item is below 400 KB, and escaping its body at most doubles it.
ENTRY_LIMIT_BYTES = 900_000


class Log(Protocol):
    def put(self, entries: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Put (key, data) entries, at most one per key; for each, whether it is on the log.

        Never raises for a transient fault: what was not confirmed is False.
        """


class Evidence(Protocol):
    def keep(self, change: Change) -> None:
        """Keep the record of a change that must not happen; safe to repeat. Raises Unavailable."""


@dataclass(frozen=True)
class Forwarded:
    """`failed` are to be delivered again, with every later change of their streams.

    `alterations` counts MODIFY and REMOVE records, their evidence kept; each must raise an alarm.
    """

    failed: list[Change]
    forwarded: int
    alterations: int
    parked: int


class Relay:
    def __init__(self, log: Log, evidence: Evidence, markers: ParkedMarkers) -> None:
        self._log = log
        self._evidence = evidence
        self._markers = markers

    def forward(self, changes: Sequence[Change]) -> Forwarded:
        failed: set[str] = set()
        held: set[str] = set()
        forwardable: list[Change] = []
        alterations = parked = 0
        for change in changes:
            if change.stream in held:
                failed.add(change.id)
                continue
            try:
                if change.kind != "INSERT":
                    self._evidence.keep(change)
                    alterations += 1
                elif change.commit is None:
                    reason = change.fault or "unreadable"
                    self._markers.park(CONSUMER, change.stream, change.number, reason)
                    parked += 1
                else:
                    forwardable.append(change)
            except Unavailable:
                failed.add(change.id)
                held.add(change.stream)
        unforwarded = self._put(forwardable)
        failed |= unforwarded
        return Forwarded(
            [change for change in changes if change.id in failed],
            len(forwardable) - len(unforwarded),
            alterations,
            parked,
        )

    def _put(self, changes: Iterable[Change]) -> set[str]:
        """Put the changes on the log, a round per entry of a stream; the ids of what failed."""
        queues: dict[str, list[Change]] = {}
        for change in changes:
            queues.setdefault(change.stream, []).append(change)
        failed: set[str] = set()
        waiting = [_entries(queue) for queue in queues.values()]
        while waiting:
            put = self._log.put([(entry[0].stream, _data(entry)) for entry, *_ in waiting])
            following = []
            for queue, done in zip(waiting, put, strict=True):
                if not done:
                    failed |= {change.id for entry in queue for change in entry}
                elif len(queue) > 1:
                    following.append(queue[1:])
            waiting = following
        return failed


def _entries(queue: Iterable[Change]) -> list[list[Change]]:
    """One stream's changes in entries of consecutive commits, ascending, each within the limit."""
    entries: list[list[Change]] = []
    size_bytes = 0
    for change in sorted(queue, key=lambda change: change.number):
        added_bytes = len(msgspec.json.encode(change.commit)) + 1
        size_bytes += added_bytes
        consecutive = entries and change.number == entries[-1][-1].number + 1
        if consecutive and size_bytes <= ENTRY_LIMIT_BYTES:
            entries[-1].append(change)
        else:
            entries.append([change])
            size_bytes = added_bytes
    return entries


def _data(entry: Iterable[Change]) -> bytes:
    return encode_entry([change.commit for change in entry if change.commit])


class _Entry(msgspec.Struct):
    commits: tuple[Commit, ...]
    # For consumers' filters: what is missing in an entry that was written before there was one.
    stream: str = ""


def encode_entry(commits: Sequence[Commit]) -> bytes:
    """The data of a log entry: {"commits": […], "stream": …}, consecutive commits of one stream."""
    return msgspec.json.encode(_Entry(tuple(commits), commits[0].stream))


_DECODER = msgspec.json.Decoder(_Entry)


def decode_entry(data: bytes) -> tuple[Commit, ...]:
    """The commits of a log entry. Raises msgspec.MsgspecError."""
    return _DECODER.decode(data).commits
