"""What the query side asks of the read model of orders."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from reference_service.aws.generations import Connection, Generation, live
from reference_service.aws.layout import Layout
from reference_service.aws.order_tables import CUSTOMER_SUMMARY
from reference_service.aws.postgres import Database
from reference_service.aws.row_table import RowTable, SumTable
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.heartbeat import Days, days
from reference_service.cqrs.store import Unavailable


@dataclass(frozen=True)
class Found:
    """`commit` is the gate's, `parked` why the row can't go on (None when it can).

    `row` is None when already the first commit could not be projected. `lag_s` as in Page.
    """

    row: Any
    commit: int
    parked: str | None
    lag_s: float | None


@dataclass(frozen=True)
class Shown:
    """How far a stream is shown: version 0 and no customer as long as it has no row."""

    customer_id: str | None
    version: int
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
    """`cursor` is where the next page begins, None on the last one.

    `lag_s` is the age of the newest heartbeat that was applied, of the shard of the log where that
    is oldest. None: a shard had none since yesterday's midnight (UTC).
    """

    rows: list[Any]
    cursor: str | None
    lag_s: float | None


@dataclass(frozen=True)
class Sums:
    """A record per currency, in the order of their codes; `lag_s` as in Page."""

    currencies: list[dict[str, Any]]
    lag_s: float | None


class BadCursor(ValueError):
    """A cursor that no page of this listing gave."""


# Each statement tells first which generation was live at its moment, and most of them the age in
# seconds of the newest heartbeat of each shard, null where none was heard of. What is asked for
# stands beside that: one record without it when there is nothing.
_LIVE = "(SELECT live FROM read_model.pointer WHERE projection = 'orders')"
# The heartbeats' streams stand in the statements, which are made anew each day: as parameters they
# would take longer than the row. The day before is looked at only if it must be.
_AGE = """extract(epoch FROM now() - coalesce(
    (SELECT at FROM {gates} WHERE stream = {today}),
    (SELECT at FROM {gates} WHERE stream = {before})
))::float8"""
_BY_STREAM = """
    SELECT {live}, {ages}, gate.commit, parked.reason, {columns}
    FROM (SELECT) AS always
    LEFT JOIN {gates} AS gate ON gate.stream = %s
    LEFT JOIN {parked} AS parked ON parked.stream = %s
    LEFT JOIN {rows} AS found ON {key} = %s::{key_type}
"""
_SHOWN = """
    SELECT {live}, asked.stream, found.customer_id, found.version, parked.reason
    FROM unnest(%(streams)s::text[], %(keys)s::{key_type}[]) AS asked (stream, key)
    LEFT JOIN {parked} AS parked ON parked.stream = asked.stream
    LEFT JOIN {rows} AS found ON {key} = asked.key
"""
# No parameter switches a condition off ("%(x)s IS NULL OR …"): the plan that PostgreSQL keeps for
# all parameters could not start in the index then, and a page would cost what lies before it.
_OF_CUSTOMER = """
    SELECT {live}, {ages}, {columns}
    FROM (SELECT) AS always
    LEFT JOIN (
        SELECT * FROM {rows}
        WHERE customer_id = %(customer_id)s {of_status}
            AND placed_at >= %(placed_from)s::timestamptz
            AND (placed_at, order_id) < (%(placed_at)s::timestamptz, %(order_id)s::uuid)
        ORDER BY placed_at DESC, order_id DESC
        LIMIT %(limit)s
    ) AS found ON true
    ORDER BY found.placed_at DESC, found.order_id DESC
"""
_OF_STATUS = sql.SQL("AND status = %(status)s")
_SUMS = """
    SELECT {live}, {ages}, {sums}
    FROM (SELECT) AS always
    LEFT JOIN (SELECT * FROM {table} WHERE customer_id = %(customer_id)s) AS found ON true
    ORDER BY found.currency
"""
# How many swaps one read may meet.
SWAPS = 3
# Below every order id: a position of this id lies below all that was placed at its moment.
_LOWEST_ID = str(UUID(int=0))


class PostgresQueries:
    """Reads the live generation, which it remembers; what turns out to be replaced is read again.

    The log has `shards`. Every method raises Unavailable, which includes UnknownVersion: a
    generation of newer code.
    """

    def __init__(self, database: Database, layouts: Mapping[int, Layout], shards: int) -> None:
        self._database = database
        self._layouts = layouts
        self._shards = shards
        self._reading: _Reading | None = None

    def by_stream(self, stream: str) -> Found | None:
        """Row and gate of one moment; None before there is anything to tell of the stream."""

        def ask(connection: Connection, reading: _Reading) -> list[Any]:
            key = reading.generation.layout.rows.key_of(stream)
            return connection.execute(reading.by_stream, [stream, stream, key]).fetchall()

        rows, (found,) = self._read(ask)
        commit, parked, *columns = found[self._shards :]
        if commit is None and parked is None:
            return None
        row = rows.from_record(columns) if columns[0] else None
        return Found(row, commit or 0, parked, self._lag_s(found))

    def shown(self, streams: Sequence[str]) -> dict[str, Shown]:
        """How far each of the streams, one at least, is shown, at one moment."""

        def ask(connection: Connection, reading: _Reading) -> list[Any]:
            keys = [reading.generation.layout.rows.key_of(stream) for stream in streams]
            asked = {"streams": list(streams), "keys": keys}
            return connection.execute(reading.shown, asked).fetchall()

        _, found = self._read(ask)
        return {
            stream: Shown(customer_id, version or 0, parked)
            for stream, customer_id, version, parked in found
        }

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
        told = (one[self._shards :] for one in found)
        rows = [table.from_record(columns) for columns in told if columns[0]]
        page, more = rows[:limit], len(rows) > limit
        last = page[-1] if more else None
        following = _cursor(listing, last.placed_at, last.order_id) if last else None
        return Page(page, following, lag_s=self._lag_s(found[0]))

    def sums_of_customer(self, customer_id: str) -> Sums:
        """What the customer ordered."""

        def ask(connection: Connection, reading: _Reading) -> list[Any]:
            return connection.execute(reading.sums, {"customer_id": customer_id}).fetchall()

        _, found = self._read(ask)
        names = _sum_names(CUSTOMER_SUMMARY)
        told = (one[self._shards :] for one in found)
        currencies = [dict(zip(names, sums, strict=True)) for sums in told if sums[0]]
        return Sums(currencies, lag_s=self._lag_s(found[0]))

    def _read(
        self, ask: Callable[[Connection, "_Reading"], list[Any]]
    ) -> tuple[RowTable, list[Any]]:
        """What the live generation answers, each record without the generation's name, and the
        table of its rows."""

        def read(connection: Connection) -> tuple[RowTable, list[Any]]:
            reading = self._reading or self._look(connection)
            if reading.heartbeats is not self._heartbeats():
                reading = self._reading = _Reading.of(reading.generation, self._heartbeats())
            for _ in range(SWAPS):
                asked = reading.generation
                try:
                    records = ask(connection, reading)
                except psycopg.errors.UndefinedTable:  # dropped after a swap
                    reading = self._look(connection)
                    if reading.generation.name == asked.name:
                        raise
                    continue
                if records[0][0] == asked.name:
                    return asked.layout.rows, [record[1:] for record in records]
                reading = self._look(connection)
            raise Unavailable(f"the read model was replaced {SWAPS} times while it was read")

        return self._database.read(read)

    def _look(self, connection: Connection) -> "_Reading":
        self._reading = None
        self._reading = _Reading.of(live(connection, self._layouts), self._heartbeats())
        return self._reading

    def _lag_s(self, record: Sequence[Any]) -> float | None:
        """Of the shard that lags most, by the first columns; None when one has none."""
        ages_s = record[: self._shards]
        return None if None in ages_s else max(ages_s)

    def _heartbeats(self) -> Days:
        return days(self._shards, datetime.now(UTC).date())


@dataclass(frozen=True)
class _Reading:
    """A generation with the statements that read it on a day; each gives one record at least."""

    generation: Generation
    heartbeats: Days
    by_stream: bytes
    shown: bytes
    of_customer: bytes
    of_customer_in_status: bytes
    sums: bytes

    @classmethod
    def of(cls, generation: Generation, heartbeats: Days) -> "_Reading":
        name, rows = generation.name, generation.layout.rows
        (sums,) = generation.layout.sums
        tables: dict[str, sql.Composable] = {
            "live": sql.SQL(_LIVE),
            "rows": rows.identifier(name),
            "gates": sql.Identifier(name, "gates"),
            "parked": sql.Identifier(name, "parked"),
            "columns": rows.selected("found"),
            "key": sql.Identifier("found", rows.key),
            "key_type": sql.SQL(rows.kind),
            "table": sums.identifier(name),
            "sums": sql.SQL(", ").join(
                sql.Identifier("found", column) for column in _sum_names(sums)
            ),
        }
        tables["ages"] = _ages(tables["gates"], heartbeats)

        def statement(text: LiteralString, **parts: sql.Composable) -> bytes:
            # As bytes, for the driver renders what is composed anew each time.
            return sql.SQL(text).format(**tables, **parts).as_bytes()

        return cls(
            generation,
            heartbeats,
            by_stream=statement(_BY_STREAM),
            shown=statement(_SHOWN),
            of_customer=statement(_OF_CUSTOMER, of_status=sql.SQL("")),
            of_customer_in_status=statement(_OF_CUSTOMER, of_status=_OF_STATUS),
            sums=statement(_SUMS),
        )


def _ages(gates: sql.Composable, heartbeats: Days) -> sql.Composed:
    each = (
        sql.SQL(_AGE).format(gates=gates, today=sql.Literal(today), before=sql.Literal(before))
        for today, before in zip(*heartbeats, strict=True)
    )
    return sql.SQL(", ").join(each)


def _sum_names(table: SumTable) -> tuple[str, ...]:
    """Its columns but the customer, who knows."""
    return tuple(name for name in table.names if name != "customer_id")


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
