"""A PostgreSQL of a bench's own, migrated."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bitacora.embedded.ports import choose
from bitacora.embedded.postgres import Postgres, remove
from reference_service.aws.migration import migrate
from reference_service.aws.order_tables import LAYOUTS

Connect = Callable[[str], "psycopg.Connection[Any]"]


@contextmanager
def migrated() -> Iterator[Connect]:
    """`connect(role)` opens a session of that role: projector, query, operations or postgres."""
    home = Path(tempfile.mkdtemp(prefix="bitacora-bench-"))
    server = Postgres(home, choose(["postgres"], {})["postgres"])
    server.log.parent.mkdir(parents=True, exist_ok=True)
    server.initialise()
    process = server.spawn(dict(os.environ))

    def connect(role: str) -> "psycopg.Connection[Any]":
        return psycopg.connect(server.admin_dsn, user=role, autocommit=True)

    try:
        server.wait_ready(process)
        with connect("postgres") as admin:
            migrate(admin, LAYOUTS)
        yield connect
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown: ends the sessions
        process.wait(timeout=10)
        remove(home)
