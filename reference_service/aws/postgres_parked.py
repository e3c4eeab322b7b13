"""The parked streams of a read model in PostgreSQL."""

from typing import Any

from psycopg import sql

from reference_service.aws.generations import Connection, Generation
from reference_service.aws.postgres import Database
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.parking import Parked

_PAGE = """
    SELECT stream, commit, reason, parked_at FROM {}
    WHERE stream > %s ORDER BY stream LIMIT %s
"""


def parked(
    database: Database, generation: Generation, name: str, cursor: str | None, limit: int
) -> tuple[list[Parked], str | None]:
    """A page of what is parked in that generation of the read model `name`, and the cursor of the
    next page (None after the last). Raises Unavailable."""
    page = sql.SQL(_PAGE).format(sql.Identifier(generation.name, "parked"))

    def read(connection: Connection) -> list[Any]:
        return connection.execute(page, [cursor or "", limit]).fetchall()

    found = [
        Parked(name, stream, commit, reason, timestamp(since))
        for stream, commit, reason, since in database.read(read)
    ]
    return found, found[-1].stream if len(found) == limit else None
