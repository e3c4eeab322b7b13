"""The read model of orders in PostgreSQL: which generation a batch or a repair is for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reference_service.aws import generations
from reference_service.aws.building import PostgresBuilding
from reference_service.aws.generations import Connection, Generation, Moved, Place
from reference_service.aws.layout import Layout
from reference_service.aws.postgres import Database
from reference_service.aws.postgres_read_model import PostgresReadModel
from reference_service.cqrs.projection import Delivery, Project, Projected, Projector
from reference_service.cqrs.rebuild import WHOLE, Phase, Progress, Rebuild, Share
from reference_service.cqrs.store import EventStore, Unavailable

# Tables without keys, to which nothing can be upserted: what arrives is noted.
KEYLESS: tuple[Phase, ...] = ("scan", "keys")
Start: TypeAlias = Literal["unless-building", "anew"]


@dataclass(frozen=True)
class ReadSide:
    """`projections`: version → the tables, and the pure function that makes their rows."""

    database: Database
    store: EventStore
    projections: Mapping[int, tuple[Layout, Project]]

    @property
    def layouts(self) -> dict[int, Layout]:
        return {version: layout for version, (layout, _) in self.projections.items()}

    def apply(self, batch: Sequence[Delivery]) -> Projected:
        """Project a batch onto the live generation. A transient fault fails all of it."""
        try:
            return self.projector().apply(batch)
        except Unavailable as fault:
            return Projected(list(batch), error=str(fault))

    def catch_up(self, batch: Sequence[Delivery]) -> Projected:
        """Project a batch onto the generation that is being built, if one is.

        A commit that arrives when none is stands in the event store before the next one's scan.
        """
        try:
            building = self._standing("building")
            if building is None or building.phase == "refused" or self._noted(building, batch):
                return Projected()
            return self.projector_of(building, "building").apply(batch)
        except Unavailable as fault:
            return Projected(list(batch), error=str(fault))

    def projector(self) -> Projector:
        """Of the generation that is live now; it refuses (Moved) to write another one.

        Raises Unavailable.
        """
        return self.projector_of(self.live())

    def projector_of(self, generation: Generation, place: Place = "live") -> Projector:
        model = PostgresReadModel(self.database, generation, place)
        return Projector(self.store, model, self._project(generation))

    def begin(self, start: Start) -> Progress:
        """Begin a generation of the newest version, or tell how far the one has come that is being
        built. Raises Unavailable."""
        newest = self.layouts[max(self.layouts)]

        def make(connection: Connection) -> None:
            building = generations.standing(connection, self.layouts, "building")
            if building is None or start == "anew":
                generations.begin(connection, newest)

        self.database.transaction(make)
        progress = self.progress()
        assert progress is not None
        return progress

    def rebuild(
        self, budget_s: float, clock: Callable[[], float], share: Share = WHOLE
    ) -> Progress | None:
        """Go on with the generation that is being built; None when there is none.

        With a share only with that part of the scan, for workers side by side. Raises Unavailable:
        what was done stays done.
        """
        new = self._standing("building")
        if new is None:
            return None
        model = PostgresReadModel(self.database, new, "building")
        project = self._project(new)
        progress = Rebuild(
            self.store,
            PostgresBuilding(self.database, self.live(), new),
            model,
            Projector(self.store, model, project),
            project,
        ).slice(budget_s, clock, share)
        if progress.phase == "live":
            self.database.transaction(
                lambda session: generations.show(session, new.name, new.layout)
            )
        return progress

    def progress(self) -> Progress | None:
        """Of the generation that is being built. Raises Unavailable."""
        new = self._standing("building")
        if new is None:
            return None
        return PostgresBuilding(self.database, self.live(), new).progress()

    def drop_old(self) -> list[str]:
        """The names of the generations that were dropped. Raises Unavailable."""
        return self.database.transaction(
            lambda session: generations.drop_old(session, self.layouts)
        )

    def _noted(self, building: Generation, batch: Sequence[Delivery]) -> bool:
        """Whether the streams were noted, because the tables have no keys yet."""
        streams = sorted({delivery.stream for delivery in batch})

        def note(connection: Connection) -> bool:
            phase = generations.held(connection, building.name, "building")
            if phase is None:
                raise Moved(f"{building.name} is not being built any more")
            if phase in KEYLESS:
                generations.touch(connection, building.name, streams)
            return phase in KEYLESS

        return building.phase in KEYLESS and self.database.transaction(note)

    def live(self) -> Generation:
        """Raises Unavailable."""
        return self.database.read(lambda session: generations.live(session, self.layouts))

    def _standing(self, place: Place) -> Generation | None:
        return self.database.read(
            lambda session: generations.standing(session, self.layouts, place)
        )

    def _project(self, generation: Generation) -> Project:
        return self.projections[generation.layout.version][1]
