"""PostgreSQL with the migrations applied, for tests of the read side."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bitacora.embedded.ports import reserve
from bitacora.embedded.postgres import Postgres, remove
from reference_service.aws.generations import Generation, live
from reference_service.aws.migration import migrate
from reference_service.aws.order_tables import LAYOUTS
from reference_service.aws.postgres import Database
from reference_service.aws.postgres_read_model import PostgresReadModel


@dataclass(frozen=True)
class ReadSide:
    """`connect(role)` is a session of that role: "projector", "query", "operations"."""

    server: Postgres
    opened: "list[psycopg.Connection[Any]]" = field(default_factory=list)

    def connect(self, role: str = "postgres") -> "psycopg.Connection[Any]":
        connection = psycopg.connect(self.server.admin_dsn, user=role, autocommit=True)
        self.opened.append(connection)
        return connection

    def close(self) -> None:
        """Close every session: functions keep theirs open, as they do between invocations."""
        while self.opened:
            self.opened.pop().close()

    def database(self, role: str) -> Database:
        return Database(lambda: self.connect(role))

    def empty(self) -> None:
        with self.connect() as admin:
            generation = live(admin, LAYOUTS)
            tables = [f"{generation.name}.{name}" for name in generation.layout.shown]
            admin.execute(f"TRUNCATE read_model.reconcile_cursor, {', '.join(tables)}")

    def live(self) -> Generation:
        with self.connect() as admin:
            return live(admin, LAYOUTS)

    def model(self, database: Database | None = None) -> PostgresReadModel:
        """The live generation, written as the projector."""
        return PostgresReadModel(database or self.database("projector"), self.live())


@contextmanager
def started(home: Path) -> Iterator[ReadSide]:
    server = Postgres(home, reserve())
    server.log.parent.mkdir(parents=True, exist_ok=True)
    server.initialise()
    process = server.spawn(dict(os.environ))
    try:
        server.wait_ready(process)
        side = ReadSide(server)
        with side.connect() as admin:
            migrate(admin, LAYOUTS)
        yield side
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown: ends the sessions
        process.wait(timeout=10)
        remove(home)
