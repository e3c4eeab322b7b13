"""What the query side asks of the read model of orders."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from reference_service.aws.postgres import Database
from reference_service.aws.row_table import RowTable


@dataclass(frozen=True)
class Found:
    """`commit` is the gate's, `parked` why the row can't go on (None when it can)."""

    row: Any
    commit: int
    parked: str | None


@dataclass(frozen=True)
class Page:
    rows: list[Any]
    cursor: str | None


class BadCursor(ValueError):
    """A cursor that no page gave."""


_BY_STREAM = sql.SQL("""
    SELECT gate.commit, parked.reason, {columns}
    FROM {table} AS found
    JOIN read_model.gates AS gate ON gate.stream = %s
    LEFT JOIN read_model.parked AS parked ON parked.stream = gate.stream
    WHERE {key} = %s
""")
_OF_CUSTOMER = sql.SQL("""
    SELECT {columns}
    FROM {table} AS found
    WHERE customer_id = %(customer)s
        AND (%(placed_at)s::timestamptz IS NULL
             OR (placed_at, order_id) < (%(placed_at)s::timestamptz, %(order_id)s::uuid))
    ORDER BY placed_at DESC, order_id DESC
    LIMIT %(limit)s
""")


class PostgresQueries:
    def __init__(self, database: Database, table: RowTable) -> None:
        self._database = database
        self._table = table
        columns = table.selected("found")
        key = sql.Identifier("found", table.key)
        self._by_stream = _BY_STREAM.format(table=table.identifier, columns=columns, key=key)
        self._of_customer = _OF_CUSTOMER.format(table=table.identifier, columns=columns)

    def by_stream(self, stream: str) -> Found | None:
        """Row and gate of one moment; None before the first commit is projected.

        Raises Unavailable.
        """
        key = self._table.key_of(stream)

        def read(connection: "psycopg.Connection[Any]") -> Sequence[Any] | None:
            return connection.execute(self._by_stream, [stream, key]).fetchone()

        record = self._database.transaction(read) if key else None
        if record is None:
            return None
        commit, parked, *columns = record
        return Found(self._table.from_record(columns), commit, parked)

    def of_customer(self, customer_id: str, limit: int, cursor: str | None) -> Page:
        """The customer's orders, newest first. Raises BadCursor, Unavailable."""
        placed_at, order_id = _decoded(cursor) if cursor else (None, None)
        parameters = {
            "customer": customer_id,
            "placed_at": placed_at,
            "order_id": order_id,
            "limit": limit + 1,
        }

        def read(connection: "psycopg.Connection[Any]") -> list[Any]:
            return connection.execute(self._of_customer, parameters).fetchall()

        rows = [self._table.from_record(one) for one in self._database.transaction(read)]
        page, more = rows[:limit], len(rows) > limit
        return Page(page, _encoded(page[-1].placed_at, page[-1].order_id) if more else None)


def _encoded(placed_at: str, order_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([placed_at, order_id])).decode()


def _decoded(cursor: str) -> tuple[datetime, UUID]:
    try:
        keyset = base64.b64decode(cursor, altchars=b"-_", validate=True)
        return msgspec.json.decode(keyset, type=tuple[datetime, UUID])
    except ValueError as fault:
        raise BadCursor("not a cursor that this list gave") from fault
