"""The event store, as the machinery sees it."""

from dataclasses import dataclass
from typing import Protocol

from reference_service.cqrs.commit import Commit


class Unavailable(Exception):
    """A transient fault of a port: connection, throttling, timeout. Repeating may help.

    Every adapter raises this and only this for such faults; what else it raises is deterministic.
    """


@dataclass(frozen=True)
class Appended:
    """The commit is in the store, by this attempt or an earlier one that was not answered."""


@dataclass(frozen=True)
class Conflict:
    """Another commit has this number; nothing was changed."""

    winner: Commit


@dataclass(frozen=True)
class Unknown:
    """No answer could be had: the commit may or may not be in the store."""

    reason: str


@dataclass(frozen=True)
class Head:
    """The last commit of a stream: its number, hash and time.

    Of an item that is no commit hash or time may be empty.
    """

    stream: str
    commit: int
    hash: str
    at: str


@dataclass(frozen=True)
class History:
    """All commits of a stream, ascending; or the `fault` that makes one of them unreadable."""

    stream: str
    commits: list[Commit]
    fault: str | None = None


class EventStore(Protocol):
    def load(self, stream: str, after: int = 0) -> list[Commit]:
        """Commits above number `after`, ascending, strongly consistent, every page.

        Raises Unavailable; schemas.Undecodable for an item that is no commit.
        """

    def append(self, commit: Commit) -> Appended | Conflict | Unknown:
        """Write the commit if its number is free. Safe to repeat with the same commit.

        Raises CommitTooLarge before anything is sent.
        """

    def heads(
        self, cursor: str | None, limit: int, *, consistent: bool = False
    ) -> tuple[list[Head], str | None]:
        """A page of at most `limit` heads and the cursor of the next page (None after the last).

        Each stream comes once per pass; a stream begun during the pass may be missing. Whatever was
        acknowledged before a pass of `consistent` pages began is in it, or under it; otherwise what
        is a second old may be missing. Only what was committed is in either.
        Raises Unavailable.
        """

    def histories(
        self, cursor: str | None, *, segment: int = 0, segments: int = 1
    ) -> tuple[list[History], str | None]:
        """A page of whole streams and the cursor of the next page (None after the last).

        `segments` scans side by side, numbered from 0, give every stream once that had a commit
        when they began, up to its last commit at least of that moment. A page may be empty.
        Raises Unavailable.
        """
