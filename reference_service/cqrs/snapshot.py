"""Snapshots: what a long stream has come to, so that a command need not load all that led there.

A snapshot is a shortcut, never a source. It is believed only beside the commit that it was taken
after, which is loaded with those that follow; and only for a command that it can't have seen. In
every other case the whole stream is loaded, as if there were no snapshots.
"""

import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec

from reference_service.cqrs.commit import STORED_LIMIT_BYTES, Commit
from reference_service.cqrs.decider import StateCodec
from reference_service.cqrs.store import EventStore

S = TypeVar("S")

# Two command ids of one stream share their mark about once in 2**32 pairs, and that costs a load.
MARK_BYTES = 4
# Of the stored item: the names of its attributes, its key, its hash and its schema.
ENVELOPE_BYTES = 1024

logger = logging.getLogger(__name__)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state after one commit of a stream, which is told by its number and its hash.

    `state` is a text in the form that `schema` tells (StateCodec), packed with zlib: ids in it make
    half of its size. `marks` are the marks of the command ids of all commits up to this one, in
    their order, 4 bytes each. Raises ValueError unless they are as many.
    """

    stream: str
    commit: int
    hash: str
    schema: str
    state: bytes
    marks: bytes

    def __post_init__(self) -> None:
        if len(self.marks) != MARK_BYTES * self.commit:
            raise ValueError(f"{len(self.marks)} bytes of marks for {self.commit} commits")


class SnapshotStore(Protocol):
    """The last snapshot written for each stream. What is read may be older than that."""

    def read(self, stream: str) -> Snapshot | None:
        """Raises Unavailable, and Undecodable for what is no snapshot."""

    def write(self, snapshot: Snapshot) -> None:
        """Put it in place of the stream's other one. Raises Unavailable."""


@dataclass
class Loaded(Generic[S]):
    """A stream as far as a decision needs it: the state at `base`, and the commits after it.

    `base` is the commit that a snapshot was taken after, None where the stream begins; `marks` are
    the snapshot's.
    """

    state: S
    base: Commit | None = None
    marks: bytes = b""
    commits: list[Commit] = field(default_factory=list)

    @property
    def last(self) -> Commit | None:
        return self.commits[-1] if self.commits else self.base


@dataclass(frozen=True)
class Snapshots(Generic[S]):
    """Takes a snapshot when a stream has grown by `every` commits, and loads from the last one.

    Nothing that goes wrong with a snapshot ever fails a command: it is logged.
    """

    kept: SnapshotStore
    states: StateCodec[S]
    every: int

    def load(self, stream: str, command_id: str, store: EventStore, initial: S) -> Loaded[S]:
        """The stream for this command; one query, two when a snapshot turns out to be wrong.

        Raises what the event store raises.
        """
        begun = self._begun(stream, command_id)
        if begun is None:
            return Loaded(initial, commits=store.load(stream))
        snapshot, state = begun
        commits = store.load(stream, after=snapshot.commit - 1)
        if commits and (commits[0].commit, commits[0].hash) == (snapshot.commit, snapshot.hash):
            return Loaded(state, commits[0], snapshot.marks, commits[1:])
        # The event store was restored to a moment before the snapshot, or is another one.
        logger.warning("%s: the snapshot of commit %d is of another history", *_id(snapshot))
        return Loaded(initial, commits=store.load(stream))

    def keep(self, history: Loaded[S], commit: Commit, state: S) -> None:
        """Take a snapshot of the state after `commit`, just appended to the history, if it is due.

        Raises nothing: the command is done.
        """
        base = history.base.commit if history.base else 0
        if commit.commit - base < self.every:
            return
        try:
            snapshot = Snapshot(
                stream=commit.stream,
                commit=commit.commit,
                hash=commit.hash,
                schema=self.states.schema,
                state=packed(self.states.encode(state)),
                marks=history.marks + marks([*history.commits, commit]),
            )
            if (size_bytes := stored_size_bytes(snapshot)) >= STORED_LIMIT_BYTES:
                told = "%s: no snapshot of commit %d, it would take %d bytes"
                logger.warning(told, *_id(snapshot), size_bytes)
                return
            self.kept.write(snapshot)
        except Exception:
            logger.exception("%s: no snapshot of commit %d", commit.stream, commit.commit)

    def _begun(self, stream: str, command_id: str) -> tuple[Snapshot, S] | None:
        """The snapshot to begin with and its state; None when there is none for this command."""
        try:
            snapshot = self.kept.read(stream)
            if snapshot is None or snapshot.schema != self.states.schema:
                return None
            # Done before, maybe: only the commits can tell, and say what was answered.
            if marked(snapshot.marks, command_id):
                return None
            return snapshot, self.states.decode(zlib.decompress(snapshot.state).decode())
        except Exception:
            logger.exception("%s: its snapshot can't be used", stream)
            return None


def packed(text: str) -> bytes:
    return zlib.compress(text.encode())


def marks(commits: Iterable[Commit]) -> bytes:
    return b"".join(_mark(commit.command_id) for commit in commits)


def marked(marks: bytes, command_id: str) -> bool:
    """Whether the marks may hold the command id's: no false "no", seldom a false "yes"."""
    mark = _mark(command_id)
    found = marks.find(mark)
    while found > 0 and found % MARK_BYTES:  # across two marks
        found = marks.find(mark, found + 1)
    return found >= 0


def stored_size_bytes(snapshot: Snapshot) -> int:
    """At least the size of the stored item, names and values together."""
    return ENVELOPE_BYTES + len(snapshot.state) + len(snapshot.marks)


def _mark(command_id: str) -> bytes:
    return zlib.crc32(command_id.encode()).to_bytes(MARK_BYTES, "big")


def _id(snapshot: Snapshot) -> tuple[str, int]:
    return snapshot.stream, snapshot.commit
