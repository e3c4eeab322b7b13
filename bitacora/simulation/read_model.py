"""The read model of orders behind calls that may fail: PostgreSQL's transactions in memory."""

from collections.abc import Sequence
from typing import Any

from bitacora.simulation.cloud.calls import ANYWHERE, Calls
from reference_service.aws.faults import unavailable_when_transient
from reference_service.cqrs.gate import Gate
from reference_service.cqrs.memory import InMemoryReadModel
from reference_service.cqrs.projection import Advance, Meanwhile, Park, Position, nothing


class PostgresInMemory:
    """A transaction is one call: a connection that is lost in it loses all of it, or the answer."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._model = InMemoryReadModel()

    @property
    def gates(self) -> dict[str, Gate]:
        return self._model.gates

    @property
    def rows(self) -> dict[str, Any]:
        return self._model.rows

    @property
    def parked(self) -> dict[str, Park]:
        return self._model.parked

    def positions(
        self, streams: Sequence[str], meanwhile: Meanwhile = nothing
    ) -> dict[str, Position]:
        with unavailable_when_transient("reading the gates"):
            return self._calls.call(
                "postgres.positions",
                ", ".join(streams),
                lambda: self._model.positions(streams, meanwhile),
                ANYWHERE,
            )

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        about = ", ".join(f"{one.stream} {one.start.commit} → {one.end.commit}" for one in advances)
        with unavailable_when_transient("advancing"):
            return self._calls.call(
                "postgres.advance", about, lambda: self._model.advance(advances), ANYWHERE
            )
