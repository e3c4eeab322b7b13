"""What the live read model says of streams, as an audit asks for it: as JSON, page by page."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from reference_service.aws.order_tables import ORDER_SUMMARY, ORDERS, order_id_of
from reference_service.aws.postgres import Database
from reference_service.cqrs.projection import Unstorable

_VIEWS = sql.SQL("""
    SELECT asked.stream, gate.commit, encode(gate.hash, 'hex'), parked.commit, parked.reason,
        {columns}
    FROM unnest(%s::text[], %s::uuid[]) AS asked (stream, key)
    LEFT JOIN read_model.gates AS gate ON gate.stream = asked.stream
    LEFT JOIN read_model.parked AS parked ON parked.stream = asked.stream
    LEFT JOIN {table} AS found ON {key} = asked.key
""").format(
    columns=ORDER_SUMMARY.selected("found"),
    table=ORDER_SUMMARY.identifier("read_model"),
    key=sql.Identifier("found", ORDER_SUMMARY.key),
)
# Where streams stand, one after the other: the table, its key, and what makes a stream of a key.
_VIEWED = (
    ("gates", "stream", ""),
    ("parked", "stream", ""),
    (ORDER_SUMMARY.name, ORDER_SUMMARY.key, "order-"),
)
# Sums that are told as wrong at once.
MOST_SUMS = 100
_PAGE = """
    SELECT {prefix} || {key}::text, {key}::text FROM {table} {after} ORDER BY {key} LIMIT {limit}
"""


class AuditViews:
    """Reads through the views read_model.<table>, which show the generation that is live."""

    def __init__(self, database: Database, *, page: int = 1000) -> None:
        self._database = database
        self._page = page

    def views(self, streams: Sequence[str]) -> list[dict[str, Any]]:
        """Of each stream {"stream", "gate", "row", "parked"}, in any order, all of one moment.

        The gate is {"commit", "hash"}, the row by column, times as text, parked is {"commit",
        "reason"}; what there is not is null. Raises Unavailable.
        """
        keys = [order_id_of(stream) for stream in streams]

        def read(connection: "psycopg.Connection[Any]") -> list[Any]:
            return connection.execute(_VIEWS, [list(streams), keys]).fetchall()

        return [_told(*record) for record in self._database.read(read)]

    def viewed(self, cursor: str | None) -> dict[str, Any]:
        """{"streams", "cursor"}: a page of the streams that have a gate, a row or a parked marker.

        A stream comes once for each. `cursor` begins the next page, null after the last; of what is
        no cursor the answer is {"error"}. Raises Unavailable.
        """
        table, _, after = (cursor or _VIEWED[0][0]).partition("/")
        tables = [name for name, _, _ in _VIEWED]
        if table not in tables:
            return {"error": f"{cursor!r} is no cursor of this list"}
        place = tables.index(table)
        _, key, prefix = _VIEWED[place]
        query = sql.SQL(_PAGE).format(
            prefix=sql.Literal(prefix),
            key=sql.Identifier(key),
            table=sql.Identifier("read_model", table),
            after=sql.SQL("WHERE {} > {}").format(sql.Identifier(key), sql.Literal(after))
            if after
            else sql.SQL(""),
            limit=sql.Literal(self._page),
        )
        try:
            found = self._database.read(lambda connection: connection.execute(query).fetchall())
        except Unstorable:
            return {"error": f"{cursor!r} is no cursor of this list"}
        if len(found) == self._page:
            following: str | None = f"{table}/{found[-1][1]}"
        else:
            following = _VIEWED[place + 1][0] if place + 1 < len(_VIEWED) else None
        return {"streams": [stream for stream, _ in found], "cursor": following}

    def wrong_sums(self) -> list[dict[str, Any]]:
        """The first sums that are not those of the rows, all of one moment: {"table", "group"}.

        The group is a list of texts, as ["customer-1", "EUR"]. One statement goes through all rows.
        Raises Unavailable.
        """
        found = []
        for table in ORDERS.sums:
            query = table.differing("read_model", ORDER_SUMMARY)

            def read(connection: "psycopg.Connection[Any]", query: Any = query) -> list[Any]:
                return connection.execute(query, [MOST_SUMS]).fetchall()

            found += [
                {"table": table.name, "group": list(map(str, group))}
                for group in self._database.read(read)
            ]
        return found


def _told(
    stream: str,
    commit: int | None,
    digest: str | None,
    parked_at: int | None,
    reason: str | None,
    *columns: Any,
) -> dict[str, Any]:
    row = dict(zip(ORDER_SUMMARY.columns, columns, strict=True))
    return {
        "stream": stream,
        "gate": None if commit is None else {"commit": commit, "hash": digest},
        "row": None if row[ORDER_SUMMARY.key] is None else row,
        "parked": None if parked_at is None else {"commit": parked_at, "reason": reason},
    }
