"""Parked markers of the consumers that keep no gates: the relay and the publisher."""

from typing import Protocol


class ParkedMarkers(Protocol):
    """A marker says that a consumer could not handle a commit of a stream, and why.

    All raise Unavailable.
    """

    def park(self, consumer: str, stream: str, commit: int, reason: str) -> None:
        """Set the marker, over an earlier one."""

    def clear(self, consumer: str, stream: str, up_to: int) -> None:
        """Remove the marker unless it stands at a commit above `up_to`."""

    def parked(self, consumer: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        """A page of at most `limit` parked streams, and the cursor of the next page or None."""
