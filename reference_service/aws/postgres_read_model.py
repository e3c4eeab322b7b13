"""A read model in PostgreSQL: gates, rows, sums and parked markers, changed in one transaction.

One statement per table and batch. The upsert of the gates comes first and is the arbiter: only
the streams that it returns are written further.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from reference_service.aws.generations import Generation, Moved, Place, hold
from reference_service.aws.postgres import Database
from reference_service.cqrs.gate import Gate
from reference_service.cqrs.projection import Advance, Meanwhile, Position, nothing

# A gate that is missing may only be set from the start. Ordered, so that writers that share
# streams take their locks in the same order.
_MOVE_GATES = """
    WITH moved AS (
        SELECT * FROM unnest(
            %b::text[], %b::bigint[], %b::bytea[], %b::bigint[], %b::bytea[], %b::timestamptz[]
        ) AS moved (stream, start_commit, start_hash, end_commit, end_hash, at)
    )
    INSERT INTO {gates} AS standing (stream, commit, hash, at)
    SELECT stream, end_commit, end_hash, at FROM moved
    WHERE start_commit = 0
        OR EXISTS (SELECT FROM {gates} AS known WHERE known.stream = moved.stream)
    ORDER BY stream
    ON CONFLICT (stream) DO UPDATE
    SET commit = excluded.commit, hash = excluded.hash, applied_at = now(),
        at = coalesce(excluded.at, standing.at)
    WHERE (standing.stream, standing.commit, standing.hash) IN (
        SELECT stream, start_commit, start_hash FROM moved
    )
    RETURNING stream
"""
_CLEAR_PARKED = "DELETE FROM {parked} WHERE stream = ANY(%b::text[])"
_SET_PARKED = """
    INSERT INTO {parked} AS known (stream, commit, reason)
    SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[])
    ON CONFLICT (stream) DO UPDATE
    SET commit = excluded.commit, reason = excluded.reason,
        parked_at = CASE known.commit WHEN excluded.commit THEN known.parked_at ELSE now() END
"""
_POSITIONS = """
    SELECT asked.stream, gate.commit, gate.hash, parked.reason, {row_key} IS NOT NULL, {columns}
    FROM unnest(%b::text[], %b::{key_type}[]) AS asked (stream, key)
    LEFT JOIN {gates} AS gate ON gate.stream = asked.stream
    LEFT JOIN {parked} AS parked ON parked.stream = asked.stream
    LEFT JOIN {table} AS found ON {row_key} = asked.key
"""


class PostgresReadModel:
    """One generation; it is written only while it is `live`, or the one in `building`."""

    def __init__(self, database: Database, generation: Generation, place: Place = "live") -> None:
        self._database = database
        self._generation = generation
        self._place: Place = place
        self._rows, self._sums = generation.layout.rows, generation.layout.sums
        schema = generation.name
        tables = {
            "gates": sql.Identifier(schema, "gates"),
            "parked": sql.Identifier(schema, "parked"),
        }
        self._move_gates = sql.SQL(_MOVE_GATES).format(**tables)
        self._set_parked = sql.SQL(_SET_PARKED).format(**tables)
        self._clear_parked = sql.SQL(_CLEAR_PARKED).format(**tables)
        self._upsert = self._rows.upsert(schema)
        self._move_sums = [table.moved(schema, self._rows) for table in self._sums]
        self._positions = sql.SQL(_POSITIONS).format(
            table=self._rows.identifier(schema),
            columns=self._rows.selected("found"),
            row_key=sql.Identifier("found", self._rows.key),
            key_type=sql.SQL(self._rows.kind),
            **tables,
        )

    def positions(
        self, streams: Sequence[str], meanwhile: Meanwhile = nothing
    ) -> dict[str, Position]:
        keys = [self._rows.key_of(stream) for stream in streams]

        def read(connection: "psycopg.Connection[Any]") -> list[Any]:
            with connection.pipeline():
                found = connection.execute(self._positions, [list(streams), keys])
                meanwhile()
            return found.fetchall()

        return {record[0]: self._position(record) for record in self._database.read(read)}

    def _position(self, record: Sequence[Any]) -> Position:
        _, commit, digest, parked, has_row, *columns = record
        return Position(
            gate=None if commit is None else Gate(commit, digest.hex()),
            parked=parked,
            row=self._rows.from_record(columns) if has_row else None,
        )

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        """Raises Moved too, when another generation took this one's place; nothing was changed."""

        def write(connection: "psycopg.Connection[Any]") -> set[str]:
            # The server works on a statement while the next one is made ready and sent.
            with connection.pipeline():
                place = hold(connection, self._generation.name, self._place)
                moved = connection.execute(self._move_gates, _moves(advances))
                if place.fetchone() is None:
                    raise Moved(f"{self._generation.name} is not {self._place} any more")
                won = {stream for (stream,) in moved.fetchall()}
                self._write(connection, [one for one in advances if one.stream in won])
            return won

        return self._database.transaction(write)

    def _write(self, connection: "psycopg.Connection[Any]", advances: Sequence[Advance]) -> None:
        rows = [one.row for one in advances if one.row is not None]
        if rows:
            for table, statement in zip(self._sums, self._move_sums, strict=True):
                connection.execute(statement, table.changes(self._rows, rows))
            connection.execute(self._upsert, self._rows.arrays(rows))
        parked = [(one.stream, one.park) for one in advances if one.park]
        if parked:
            connection.execute(
                self._set_parked,
                [
                    [stream for stream, _ in parked],
                    [park.commit for _, park in parked],
                    [_without_nul(park.reason) for _, park in parked],
                ],
            )
        clear = [one.stream for one in advances if not one.park]
        if clear:
            connection.execute(self._clear_parked, [clear])


def _moves(advances: Sequence[Advance]) -> list[list[Any]]:
    """The parameters of _MOVE_GATES."""
    return [
        [one.stream for one in advances],
        [one.start.commit for one in advances],
        [bytes.fromhex(one.start.hash) for one in advances],
        [one.end.commit for one in advances],
        [bytes.fromhex(one.end.hash) for one in advances],
        [one.at for one in advances],
    ]


class ReconcileCursors:
    """Where the next slice of each reconciliation begins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """None: from the start."""

        def read(connection: "psycopg.Connection[Any]") -> str | None:
            found = connection.execute(
                "SELECT cursor FROM read_model.reconcile_cursor WHERE name = %s", [name]
            ).fetchone()
            return found[0] if found else None

        return self._database.transaction(read)

    def keep(self, name: str, cursor: str | None) -> None:
        def write(connection: "psycopg.Connection[Any]") -> None:
            connection.execute(
                "INSERT INTO read_model.reconcile_cursor (name, cursor) VALUES (%s, %s)"
                " ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
                [name, cursor],
            )

        self._database.transaction(write)


def _without_nul(text: str) -> str:
    # PostgreSQL's text takes every character but this one; a reason must never be refused.
    return text.replace("\x00", "�")
