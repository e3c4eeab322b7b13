"""Orders whose read model is rebuilt: an event store in memory, projected onto PostgreSQL."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reference_service.aws.order_tables import LAYOUTS
from reference_service.aws.postgres_read_model import PostgresReadModel
from reference_service.aws.read_side import ReadSide
from reference_service.bootstrap import project_order
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import after
from reference_service.cqrs.heartbeat import is_heartbeat
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Delivery
from reference_service.cqrs.rebuild import Progress
from tests.aws.orders import CODEC, CONFIRMED, SHIPPED
from tests.database import ReadSide as Server

PROJECT = project_order(CODEC)
SHIPMENT = SHIPPED[len(CONFIRMED) :]
PROJECTIONS = {version: (layout, PROJECT) for version, layout in LAYOUTS.items()}


@dataclass
class Orders:
    """Orders in an event store, projected onto the live read model by its log."""

    server: Server
    store: InMemoryEventStore
    side: ReadSide
    operator: ReadSide

    def append(self, commits: Sequence[Commit], *, projected: bool = True) -> None:
        for commit in commits:
            self.store.append(commit)
        if projected:
            self.deliver(commits)

    def deliver(self, commits: Sequence[Commit]) -> None:
        """To the projector and to the catch-up, each in transactions of its own."""
        batch = [Delivery(id=str(n), stream=c.stream, commits=(c,)) for n, c in enumerate(commits)]
        for apply in (self.side.apply, self.side.catch_up):
            done = apply(batch)
            while done.failed:
                done = apply(done.failed)

    def rebuild(self) -> Progress:
        self.operator.begin("unless-building")
        progress = self.operator.rebuild(30, time.monotonic)
        assert progress
        return progress

    def shown(self, stream: str) -> Any:
        live = PostgresReadModel(self.side.database, self.server.live())
        return live.positions([stream])[stream]

    def unequal(self) -> list[str]:
        """Streams that the live read model does not show as their events leave them."""
        differing = []
        for history in all_of(self.store):
            row = None
            for commit in history:
                row = row if is_heartbeat(commit) else PROJECT(row, commit)
            position = self.shown(history[0].stream)
            if (position.gate, position.row) != (after(history[-1]), row):
                differing.append(history[0].stream)
        return differing

    def wrong_sums(self) -> list[Any]:
        live = self.server.live()
        (sums,) = live.layout.sums
        with self.server.connect() as admin:
            query = sums.differing(live.name, live.layout.rows)
            return admin.execute(query, [10]).fetchall()


def all_of(store: InMemoryEventStore) -> Iterator[list[Commit]]:
    cursor: str | None = None
    while True:
        page, cursor = store.histories(cursor)
        yield from (history.commits for history in page)
        if cursor is None:
            return


def of_role(server: Server, store: InMemoryEventStore, role: str) -> ReadSide:
    return ReadSide(server.database(role), store, PROJECTIONS)
