"""What the query side asks of the read model of orders."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from reference_service.aws.generations import Connection, Generation, live
from reference_service.aws.layout import Layout
from reference_service.aws.order_tables import CUSTOMER_SUMMARY
from reference_service.aws.postgres import Database
from reference_service.aws.row_table import RowTable
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.store import Unavailable


@dataclass(frozen=True)
class Found:
    """`commit` is the gate's, `parked` why the row can't go on (None when it can).

    `row` is None when already the first commit could not be projected.
    """

    row: Any
    commit: int
    parked: str | None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Which orders of a customer: of one status, placed from a moment on, up to before another.

    None leaves a side open; moments are in UTC.
    """

    customer_id: str
    status: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


@dataclass(frozen=True)
class Page:
    """`cursor` is where the next page begins, None on the last one."""

    rows: list[Any]
    cursor: str | None


class BadCursor(ValueError):
    """A cursor that no page of this listing gave."""


# Each statement tells first which generation was live at its moment.
_LIVE = sql.SQL("(SELECT live FROM read_model.pointer WHERE projection = 'orders')")
_BY_STREAM = """
    SELECT {live}, gate.commit, parked.reason, {columns}
    FROM (SELECT %s::text AS stream, %s::{key_type} AS key) AS asked
    LEFT JOIN {gates} AS gate ON gate.stream = asked.stream
    LEFT JOIN {parked} AS parked ON parked.stream = asked.stream
    LEFT JOIN {rows} AS found ON {key} = asked.key
"""
# No parameter switches a condition off ("%(x)s IS NULL OR …"): the plan that PostgreSQL keeps for
# all parameters could not start in the index then, and a page would cost what lies before it.
_OF_CUSTOMER = """
    SELECT {live}, {columns}
    FROM {rows} AS found
    WHERE customer_id = %(customer_id)s {of_status}
        AND placed_at >= %(placed_from)s::timestamptz
        AND (placed_at, order_id) < (%(placed_at)s::timestamptz, %(order_id)s::uuid)
    ORDER BY placed_at DESC, order_id DESC
    LIMIT %(limit)s
"""
_OF_STATUS = sql.SQL("AND status = %(status)s")
_SUMS = "SELECT {live}, {columns} FROM {table} WHERE customer_id = %s ORDER BY currency"
# How many swaps one read may meet.
SWAPS = 3
# Below every order id: a position of this id lies below all that was placed at its moment.
_LOWEST_ID = str(UUID(int=0))


class PostgresQueries:
    """Reads the live generation, which it remembers; what turns out to be replaced is read again.

    Every method raises Unavailable, which includes UnknownVersion: a generation of newer code.
    """

    def __init__(self, database: Database, layouts: Mapping[int, Layout]) -> None:
        self._database = database
        self._layouts = layouts
        self._reading: _Reading | None = None

    def by_stream(self, stream: str) -> Found | None:
        """Row and gate of one moment; None before there is anything to tell of the stream."""

        def ask(connection: Connection, reading: _Reading) -> list[Any]:
            key = reading.generation.layout.rows.key_of(stream)
            return connection.execute(reading.by_stream, [stream, key]).fetchall()

        rows, ((commit, parked, *columns),) = self._read(ask)
        if commit is None and parked is None:
            return None
        return Found(rows.from_record(columns) if columns[0] else None, commit or 0, parked)

    def of_customer(self, listing: Listing, limit: int, cursor: str | None) -> Page:
        """Newest first, by keyset: what is written meanwhile moves no order to another page.

        Raises BadCursor too.
        """
        if cursor is None:
            placed_at, order_id = _text(listing.placed_to, "infinity"), _LOWEST_ID
        else:
            placed_at, order_id = _position(listing, cursor)
        parameters = {
            "customer_id": listing.customer_id,
            "status": listing.status,
            "placed_from": _text(listing.placed_from, "-infinity"),
            "placed_at": placed_at,
            "order_id": order_id,
            "limit": limit + 1,
        }

        def ask(connection: Connection, reading: _Reading) -> list[Any]:
            of_all, of_one = reading.of_customer, reading.of_customer_in_status
            query = of_all if listing.status is None else of_one
            return connection.execute(query, parameters).fetchall()

        table, found = self._read(ask)
        rows = [table.from_record(one) for one in found]
        page, more = rows[:limit], len(rows) > limit
        last = page[-1] if more else None
        return Page(page, _cursor(listing, last.placed_at, last.order_id) if last else None)

    def sums_of_customer(self, customer_id: str) -> list[dict[str, Any]]:
        """What the customer ordered, a record per currency, in the order of their codes."""

        def ask(connection: Connection, reading: _Reading) -> list[Any]:
            return connection.execute(reading.sums, [customer_id]).fetchall()

        _, found = self._read(ask)
        return [dict(zip(CUSTOMER_SUMMARY.names, record, strict=True)) for record in found]

    def _read(
        self, ask: Callable[[Connection, "_Reading"], list[Any]]
    ) -> tuple[RowTable, list[Any]]:
        """What the live generation answers, each record without the generation's name, and the
        table of its rows."""

        def read(connection: Connection) -> tuple[RowTable, list[Any]]:
            reading = self._reading or self._look(connection)
            for _ in range(SWAPS):
                asked = reading.generation
                try:
                    records = ask(connection, reading)
                except psycopg.errors.UndefinedTable:  # dropped after a swap
                    reading = self._look(connection)
                    if reading.generation.name == asked.name:
                        raise
                    continue
                now = records[0][0] if records else self._look(connection).generation.name
                if now == asked.name:
                    return asked.layout.rows, [record[1:] for record in records]
                reading = self._look(connection)
            raise Unavailable(f"the read model was replaced {SWAPS} times while it was read")

        return self._database.read(read)

    def _look(self, connection: Connection) -> "_Reading":
        self._reading = None
        self._reading = _Reading.of(live(connection, self._layouts))
        return self._reading


@dataclass(frozen=True)
class _Reading:
    """A generation with the statements that read it."""

    generation: Generation
    by_stream: sql.Composed
    of_customer: sql.Composed
    of_customer_in_status: sql.Composed
    sums: sql.Composed

    @classmethod
    def of(cls, generation: Generation) -> "_Reading":
        name, rows = generation.name, generation.layout.rows
        (sums,) = generation.layout.sums
        tables = {
            "live": _LIVE,
            "rows": rows.identifier(name),
            "gates": sql.Identifier(name, "gates"),
            "parked": sql.Identifier(name, "parked"),
            "columns": rows.selected("found"),
        }
        return cls(
            generation,
            by_stream=sql.SQL(_BY_STREAM).format(
                key=sql.Identifier("found", rows.key),
                key_type=sql.SQL(rows.kind),
                **tables,
            ),
            of_customer=sql.SQL(_OF_CUSTOMER).format(of_status=sql.SQL(""), **tables),
            of_customer_in_status=sql.SQL(_OF_CUSTOMER).format(of_status=_OF_STATUS, **tables),
            sums=sql.SQL(_SUMS).format(
                live=_LIVE,
                table=sums.identifier(name),
                columns=sql.SQL(", ").join(map(sql.Identifier, sums.names)),
            ),
        )


def _text(moment: datetime | None, otherwise: str) -> str:
    return otherwise if moment is None else moment.isoformat()


def _cursor(listing: Listing, placed_at: str, order_id: str) -> str:
    """The position after an order, bound to its listing.

    The digest has no key, for it guards no secret: whoever forges one reaches, among the same
    customer's orders, what `placed_to` would give anyway. It refuses what is damaged or mixed up.
    """
    bound = msgspec.json.encode([listing, placed_at, order_id])
    digest = hashlib.sha256(bound).hexdigest()[:32]
    return base64.urlsafe_b64encode(msgspec.json.encode([placed_at, order_id, digest])).decode()


def _position(listing: Listing, cursor: str) -> tuple[str, str]:
    """Raises BadCursor unless `_cursor` wrote it for this listing."""
    try:
        content = base64.b64decode(cursor, altchars=b"-_", validate=True)
        moment, found, _ = msgspec.json.decode(content, type=tuple[datetime, UUID, str])
        placed_at, order_id = timestamp(moment), str(found)
    except (ValueError, OverflowError) as fault:
        raise BadCursor("not a cursor") from fault
    if cursor != _cursor(listing, placed_at, order_id):
        raise BadCursor("a cursor of another listing, or changed")
    return placed_at, order_id
