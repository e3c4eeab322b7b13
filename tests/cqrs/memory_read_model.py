"""A read model in memory, no kinder than PostgreSQL; its rows are sums."""

from collections.abc import Sequence
from threading import Lock

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import START, Gate
from reference_service.cqrs.projection import Advance, Park, Position, Unstorable
from tests.cqrs.toy import CODEC


def project(row: int | None, commit: Commit) -> int:
    return (row or 0) + sum(event.number for event in CODEC.decode(commit.body))


class InMemoryReadModel:
    """`unstorable` are sums that it refuses, as a database refuses a value of no type of its."""

    def __init__(self, unstorable: Sequence[int] = ()) -> None:
        self.gates: dict[str, Gate] = {}
        self.rows: dict[str, int] = {}
        self.parked: dict[str, Park] = {}
        self._unstorable = unstorable
        self._lock = Lock()

    def positions(self, streams: Sequence[str]) -> dict[str, Position]:
        with self._lock:
            return {stream: self._position(stream) for stream in streams}

    def _position(self, stream: str) -> Position:
        park = self.parked.get(stream)
        return Position(
            self.gates.get(stream), park.reason if park else None, self.rows.get(stream)
        )

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        with self._lock:
            assert len({one.stream for one in advances}) == len(advances)
            won = [one for one in advances if self.gates.get(one.stream, START) == one.start]
            if refused := [one.row for one in won if one.row in self._unstorable]:
                raise Unstorable(f"no room for {refused[0]}")
            for one in won:
                self.gates[one.stream] = one.end
                if one.row is not None:
                    self.rows[one.stream] = one.row
                self.parked.pop(one.stream, None)
                if one.park:
                    self.parked[one.stream] = one.park
            return {one.stream for one in won}
