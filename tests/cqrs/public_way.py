"""The public way in memory: a bus, the parked markers, and a policy of the toy domain."""

from collections.abc import Iterator, Sequence
from typing import Any

from reference_service.cqrs.cloud_event import cloud_event
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.parking import Parked
from tests.cqrs.memory_read_model import project
from tests.cqrs.toy import CODEC

LARGE = 1_000_000


def public_events(commits: Sequence[Commit], first: int) -> Iterator[list[dict[str, Any]]]:
    """An event for each number below LARGE, with the total so far."""
    total = 0
    for commit in commits[: first - 1]:
        total = project(total, commit)
    for commit in commits[first - 1 :]:
        outgoing = []
        for index, event in enumerate(CODEC.decode(commit.body)):
            total += event.number
            padding = "x" * 300_000 if event.number == LARGE else ""
            data = {"total": total, "padding": padding}
            content = {"type": "NumberAdded", "data": data}
            outgoing.append(cloud_event(commit, index, "sums", content))
        yield outgoing


class Bus:
    """Takes all but the ids in `refused`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []
        self.refused: set[str] = set()

    def publish(self, events: Sequence[dict[str, Any]]) -> list[bool]:
        done = [event["id"] not in self.refused for event in events]
        self.taken += [
            (event["id"], event["data"]["total"])
            for event, taken in zip(events, done, strict=True)
            if taken
        ]
        return done


class Markers:
    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], tuple[int, str]] = {}

    def park(self, consumer: str, stream: str, commit: int, reason: str) -> None:
        self.standing[consumer, stream] = (commit, reason)

    def clear(self, consumer: str, stream: str, up_to: int) -> None:
        commit, _ = self.standing.get((consumer, stream), (0, ""))
        if commit <= up_to:
            self.standing.pop((consumer, stream), None)

    def find(self, consumer: str, stream: str) -> Parked | None:
        found = self.standing.get((consumer, stream))
        return Parked(consumer, stream, *found) if found else None

    def parked(
        self, consumer: str, cursor: str | None, limit: int
    ) -> tuple[list[Parked], str | None]:
        later = sorted(
            stream for name, stream in self.standing if name == consumer and stream > (cursor or "")
        )
        page = [Parked(consumer, stream, *self.standing[consumer, stream]) for stream in later]
        return page[:limit], later[limit - 1] if len(later) > limit else None
