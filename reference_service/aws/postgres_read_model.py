"""A read model in PostgreSQL: gates, rows and parked markers, changed in one transaction.

One statement per table and batch. The upsert of the gates comes first and is the arbiter: only
the streams that it returns are written further.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from reference_service.aws.postgres import Database
from reference_service.aws.row_table import RowTable
from reference_service.cqrs.gate import Gate
from reference_service.cqrs.projection import Advance, Position

# A gate that is missing may only be set from the start. Ordered, so that writers that share
# streams take their locks in the same order.
_MOVE_GATES = """
    INSERT INTO read_model.gates AS standing (stream, commit, hash)
    SELECT moved.stream, moved.end_commit, moved.end_hash
    FROM unnest(%s::text[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bytea[])
        AS moved (stream, start_commit, start_hash, end_commit, end_hash)
    WHERE moved.start_commit = 0
        OR EXISTS (SELECT FROM read_model.gates AS known WHERE known.stream = moved.stream)
    ORDER BY moved.stream
    ON CONFLICT (stream) DO UPDATE
    SET commit = excluded.commit, hash = excluded.hash, applied_at = now()
    WHERE (standing.commit, standing.hash) = (
        SELECT start_commit, start_hash
        FROM unnest(%s::text[], %s::bigint[], %s::bytea[])
            AS expected (stream, start_commit, start_hash)
        WHERE expected.stream = standing.stream
    )
    RETURNING stream
"""
_CLEAR_PARKED = "DELETE FROM read_model.parked WHERE stream = ANY(%s::text[])"
_SET_PARKED = """
    INSERT INTO read_model.parked (stream, commit, reason)
    SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[])
    ON CONFLICT (stream) DO UPDATE
    SET commit = excluded.commit, reason = excluded.reason, parked_at = now()
"""
_POSITIONS = sql.SQL("""
    SELECT asked.stream, gate.commit, gate.hash, parked.reason, {row_key} IS NOT NULL, {columns}
    FROM unnest(%s::text[], %s::{key_type}[]) AS asked (stream, key)
    LEFT JOIN read_model.gates AS gate ON gate.stream = asked.stream
    LEFT JOIN read_model.parked AS parked ON parked.stream = asked.stream
    LEFT JOIN {table} AS found ON {row_key} = asked.key
""")


class PostgresReadModel:
    def __init__(self, database: Database, table: RowTable) -> None:
        self._database = database
        self._table = table
        self._upsert = table.upsert()
        self._positions = _POSITIONS.format(
            table=table.identifier,
            columns=table.selected("found"),
            row_key=sql.Identifier("found", table.key),
            key_type=sql.SQL(table.columns[table.key]),
        )

    def positions(self, streams: Sequence[str]) -> dict[str, Position]:
        keys = [self._table.key_of(stream) for stream in streams]

        def read(connection: "psycopg.Connection[Any]") -> list[Any]:
            return connection.execute(self._positions, [list(streams), keys]).fetchall()

        return {record[0]: self._position(record) for record in self._database.transaction(read)}

    def _position(self, record: Sequence[Any]) -> Position:
        _, commit, digest, parked, has_row, *columns = record
        return Position(
            gate=None if commit is None else Gate(commit, digest.hex()),
            parked=parked,
            row=self._table.from_record(columns) if has_row else None,
        )

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        def write(connection: "psycopg.Connection[Any]") -> set[str]:
            streams = [one.stream for one in advances]
            starts = [one.start.commit for one in advances]
            start_hashes = [bytes.fromhex(one.start.hash) for one in advances]
            ends = [one.end.commit for one in advances]
            end_hashes = [bytes.fromhex(one.end.hash) for one in advances]
            expected = [streams, starts, start_hashes]
            moved = connection.execute(_MOVE_GATES, [*expected, ends, end_hashes, *expected])
            won = {stream for (stream,) in moved.fetchall()}
            self._write(connection, [one for one in advances if one.stream in won])
            return won

        return self._database.transaction(write)

    def _write(self, connection: "psycopg.Connection[Any]", advances: Sequence[Advance]) -> None:
        rows = [one.row for one in advances if one.row is not None]
        if rows:
            connection.execute(self._upsert, self._table.arrays(rows))
        parked = [(one.stream, one.park) for one in advances if one.park]
        if parked:
            connection.execute(
                _SET_PARKED,
                [
                    [stream for stream, _ in parked],
                    [park.commit for _, park in parked],
                    [_without_nul(park.reason) for _, park in parked],
                ],
            )
        clear = [one.stream for one in advances if not one.park]
        if clear:
            connection.execute(_CLEAR_PARKED, [clear])

    def cursor(self, name: str) -> str | None:
        """Where the next slice of the named reconciliation begins."""

        def read(connection: "psycopg.Connection[Any]") -> str | None:
            found = connection.execute(
                "SELECT cursor FROM read_model.reconcile_cursor WHERE name = %s", [name]
            ).fetchone()
            return found[0] if found else None

        return self._database.transaction(read)

    def keep_cursor(self, name: str, cursor: str | None) -> None:
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
