"""Parked streams: a consumer could not handle a commit, and waits to be repaired."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True)
class Parked:
    """`consumer` is the relay, the publisher, or a read model by its name.

    `since` is when it stopped at that commit, in UTC; None when that was not kept.
    """

    consumer: str
    stream: str
    commit: int
    reason: str
    since: str | None = None


# (cursor or None, limit) -> a page of parked streams, and the cursor of the next page or None.
# Raises Unavailable.
ParkedPages: TypeAlias = Callable[[str | None, int], tuple[list[Parked], str | None]]


class ParkedMarkers(Protocol):
    """The markers of the consumers that keep no gates: the relay and the publisher.

    All raise Unavailable.
    """

    def park(self, consumer: str, stream: str, commit: int, reason: str) -> None:
        """Set the marker, over an earlier one; the same one once more changes nothing."""

    def clear(self, consumer: str, stream: str, up_to: int) -> None:
        """Remove the marker unless it stands at a commit above `up_to`."""

    def find(self, consumer: str, stream: str) -> Parked | None:
        """The marker, None when there is none."""

    def parked(
        self, consumer: str, cursor: str | None, limit: int
    ) -> tuple[list[Parked], str | None]:
        """A page of at most `limit` markers, and the cursor of the next page or None."""
