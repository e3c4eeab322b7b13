"""What the query side asks of the read model of orders."""

import base64
import hashlib
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
from reference_service.cqrs.commit import timestamp


@dataclass(frozen=True)
class Found:
    """`commit` is the gate's, `parked` why the row can't go on (None when it can)."""

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


_BY_STREAM = sql.SQL("""
    SELECT gate.commit, parked.reason, {columns}
    FROM {table} AS found
    JOIN read_model.gates AS gate ON gate.stream = %s
    LEFT JOIN read_model.parked AS parked ON parked.stream = gate.stream
    WHERE {key} = %s
""")
# No parameter switches a condition off ("%(x)s IS NULL OR …"): the plan that PostgreSQL keeps for
# all parameters could not start in the index then, and a page would cost what lies before it.
_OF_CUSTOMER = sql.SQL("""
    SELECT {columns}
    FROM {table} AS found
    WHERE customer_id = %(customer_id)s {of_status}
        AND placed_at >= %(placed_from)s::timestamptz
        AND (placed_at, order_id) < (%(placed_at)s::timestamptz, %(order_id)s::uuid)
    ORDER BY placed_at DESC, order_id DESC
    LIMIT %(limit)s
""")
_OF_STATUS = sql.SQL("AND status = %(status)s")
# Below every order id: a position of this id lies below all that was placed at its moment.
_LOWEST_ID = str(UUID(int=0))


class PostgresQueries:
    def __init__(self, database: Database, table: RowTable) -> None:
        self._database = database
        self._table = table
        columns = table.selected("found")
        key = sql.Identifier("found", table.key)
        self._by_stream = _BY_STREAM.format(table=table.identifier, columns=columns, key=key)
        self._of_customer, self._of_status = (
            _OF_CUSTOMER.format(table=table.identifier, columns=columns, of_status=of_status)
            for of_status in (sql.SQL(""), _OF_STATUS)
        )

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

    def of_customer(self, listing: Listing, limit: int, cursor: str | None) -> Page:
        """Newest first, by keyset: what is written meanwhile moves no order to another page.

        Raises BadCursor, Unavailable.
        """
        if cursor is None:
            placed_at, order_id = _text(listing.placed_to, "infinity"), _LOWEST_ID
        else:
            placed_at, order_id = _position(listing, cursor)
        query = self._of_customer if listing.status is None else self._of_status
        parameters = {
            "customer_id": listing.customer_id,
            "status": listing.status,
            "placed_from": _text(listing.placed_from, "-infinity"),
            "placed_at": placed_at,
            "order_id": order_id,
            "limit": limit + 1,
        }

        def read(connection: "psycopg.Connection[Any]") -> list[Any]:
            return connection.execute(query, parameters).fetchall()

        rows = [self._table.from_record(one) for one in self._database.transaction(read)]
        page, more = rows[:limit], len(rows) > limit
        last = page[-1] if more else None
        return Page(page, _cursor(listing, last.placed_at, last.order_id) if last else None)


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
