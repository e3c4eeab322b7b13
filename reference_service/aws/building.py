"""A generation that is being built, in PostgreSQL: filled by COPY, compared and swapped by SQL."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from reference_service.aws.generations import ORDERS, SEGMENTS, Connection, Generation, Moved
from reference_service.aws.postgres import Database
from reference_service.cqrs.projection import Advance, Unstorable
from reference_service.cqrs.rebuild import (
    REPAIRED_AT_ONCE,
    Compared,
    Difference,
    Phase,
    Progress,
    Segment,
)

# Rows that one statement compares, and the most differences that are kept.
RANGE_ROWS = 20_000
KEPT_DIFFERENCES = 100
# Making a key takes longer than what else a function asks; it ends before the function does.
KEYS_TIMEOUT_S = 50

_BEHIND = """
    SELECT ahead.stream, ahead.commit FROM {live}.gates AS ahead
    LEFT JOIN {new}.gates AS gate ON gate.stream = ahead.stream
    LEFT JOIN {new}.parked AS parked ON parked.stream = ahead.stream
    LEFT JOIN {new}.lost AS lost ON lost.stream = ahead.stream
    WHERE ahead.commit > greatest(gate.commit, lost.commit, 0)
        AND (parked.stream IS NULL OR %s)
    LIMIT %s
"""
_LAST_OF_RANGE = """
    SELECT {key}::text FROM {new_rows} {within} ORDER BY {key} OFFSET %s LIMIT 1
"""
# One statement is one moment: gates and rows of both generations belong together in it.
_COMPARE = """
    SELECT gate.stream
    FROM (SELECT * FROM {live_rows} {within}) AS was
    FULL JOIN (SELECT * FROM {new_rows} {within}) AS becomes USING ({key})
    JOIN {new}.gates AS gate ON gate.stream = {stream}
    JOIN {live}.gates AS standing ON standing.stream = gate.stream
    WHERE standing.commit = gate.commit
        AND (was IS DISTINCT FROM becomes OR standing.hash <> gate.hash)
    LIMIT %s
"""
_PARKED_BEHIND = """
    SELECT parked.stream, parked.reason FROM {new}.parked AS parked
    JOIN {live}.gates AS ahead ON ahead.stream = parked.stream
    LEFT JOIN {new}.gates AS gate ON gate.stream = parked.stream
    WHERE ahead.commit > coalesce(gate.commit, 0)
    ORDER BY parked.stream LIMIT %s
"""
_PROGRESSED = tuple(field.name for field in fields(Progress))
_PROGRESS = """
    SELECT name, version, phase, streams, commits, expected,
        extract(epoch FROM now() - started_at)::float, differences
    FROM read_model.generation WHERE name = %s
"""


class PostgresBuilding:
    """`live` is the generation to compare with and to replace, `new` the one being built."""

    def __init__(self, database: Database, live: Generation, new: Generation) -> None:
        self._database = database
        self._live, self._new = live, new
        rows = new.layout.rows
        self._names: dict[str, sql.Composable] = {
            "live": sql.Identifier(live.name),
            "new": sql.Identifier(new.name),
            "live_rows": live.layout.rows.identifier(live.name),
            "new_rows": rows.identifier(new.name),
            "key": sql.Identifier(rows.key),
            "stream": rows.stream_of(sql.Identifier(rows.key)),
        }

    @property
    def segment_count(self) -> int:
        return SEGMENTS

    def phase(self) -> Phase:
        return self.progress().phase

    def progress(self) -> Progress:
        def read(connection: Connection) -> Progress:
            found = connection.execute(_PROGRESS, [self._new.name]).fetchone()
            if found is None:
                raise Moved(f"{self._new.name} was given up")
            return msgspec.convert(dict(zip(_PROGRESSED, found, strict=True)), Progress)

        return self._database.read(read)

    def segments(self) -> list[Segment]:
        query = "SELECT number, cursor FROM read_model.segment WHERE generation = %s AND NOT done"
        return [Segment(*record) for record in self._ask(query, [self._new.name])]

    def fill(
        self, segment: Segment, following: str | None, advances: Sequence[Advance], commits: int
    ) -> bool:
        def write(connection: Connection) -> bool:
            moved = connection.execute(
                "UPDATE read_model.segment SET cursor = %s, done = %s"
                " WHERE generation = %s AND number = %s AND NOT done"
                " AND cursor IS NOT DISTINCT FROM %s",
                [following, following is None, self._new.name, segment.number, segment.cursor],
            )
            if moved.rowcount == 0:
                return False
            self._copy(connection, advances)
            connection.execute(
                "UPDATE read_model.generation"
                " SET streams = streams + %s, commits = commits + %s, changed_at = now()"
                " WHERE name = %s",
                [len(advances), commits, self._new.name],
            )
            return True

        return self._database.transaction(write)

    def _copy(self, connection: Connection, advances: Sequence[Advance]) -> None:
        rows = self._new.layout.rows
        gates = [(a.stream, a.end.commit, bytes.fromhex(a.end.hash), a.at) for a in advances]
        parked = [(a.stream, a.park.commit, _clean(a.park.reason)) for a in advances if a.park]
        for table, names, records in (
            (sql.Identifier(self._new.name, "gates"), ("stream", "commit", "hash", "at"), gates),
            (sql.Identifier(self._new.name, "parked"), ("stream", "commit", "reason"), parked),
            (
                rows.identifier(self._new.name),
                tuple(rows.columns),
                [rows.record(a.row) for a in advances if a.row is not None],
            ),
        ):
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                table, sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for record in records:
                    copy.write_row(record)

    def unstorable(self, advances: Sequence[Advance]) -> dict[str, str]:
        """Each alone, in a transaction that is undone."""
        reasons: dict[str, str] = {}
        for advance in advances:

            def attempt(connection: Connection, one: Advance = advance) -> None:
                with connection.transaction():
                    self._copy(connection, [one])
                    raise psycopg.Rollback

            try:
                self._database.transaction(attempt)
            except Unstorable as fault:
                reasons[advance.stream] = str(fault)
        return reasons

    def turn(self, before: Phase, after: Phase) -> None:
        """Under the pointer's lock: a catch-up that is under way ends in the phase it began in."""

        def write(connection: Connection) -> None:
            _lock(connection)
            connection.execute(
                "UPDATE read_model.generation SET phase = %s, changed_at = now(),"
                " compared = CASE WHEN %s = 'catch-up' THEN '' ELSE compared END,"
                " differences = CASE WHEN %s = 'catch-up' THEN '[]' ELSE differences END"
                " WHERE name = %s AND phase = %s",
                [after, after, after, self._new.name, before],
            )

        self._database.transaction(write)

    def key(self) -> bool:
        statements = list(self._new.layout.keyed(self._new.name))

        def write(connection: Connection) -> bool:
            connection.execute(f"SET LOCAL statement_timeout = '{KEYS_TIMEOUT_S}s'")
            found = connection.execute(
                "SELECT keys_done FROM read_model.generation"
                " WHERE name = %s AND phase = 'keys' FOR UPDATE",
                [self._new.name],
            ).fetchone()
            if found is None or found[0] == len(statements):
                return False
            connection.execute(statements[found[0]])
            connection.execute(
                "UPDATE read_model.generation SET keys_done = keys_done + 1, changed_at = now()"
                " WHERE name = %s",
                [self._new.name],
            )
            return True

        return self._database.transaction(write)

    def touched(self, limit: int) -> list[str]:
        return self._streams("SELECT stream FROM {new}.touched ORDER BY stream LIMIT %s", [limit])

    def untouch(self, streams: Sequence[str]) -> None:
        query = sql.SQL("DELETE FROM {new}.touched WHERE stream = ANY(%s)").format(**self._names)
        self._database.transaction(lambda session: session.execute(query, [list(streams)]))

    def behind(self, limit: int) -> dict[str, int]:
        return dict(self._ask(sql.SQL(_BEHIND).format(**self._names), [False, limit]))

    def lose(self, stream: str, commit: int) -> None:
        query = sql.SQL(
            "INSERT INTO {new}.lost AS known VALUES (%s, %s) ON CONFLICT (stream) DO UPDATE"
            " SET commit = greatest(known.commit, excluded.commit)"
        ).format(**self._names)
        self._database.transaction(lambda session: session.execute(query, [stream, commit]))

    def compare(self) -> Compared | None:
        if self._live.layout.version != self._new.layout.version:
            return None

        def read(connection: Connection) -> Compared:
            found = connection.execute(
                "SELECT compared FROM read_model.generation WHERE name = %s", [self._new.name]
            ).fetchone()
            after = found[0] if found else ""
            bound = sql.SQL(_LAST_OF_RANGE).format(within=self._within(after, ""), **self._names)
            last = connection.execute(bound, [RANGE_ROWS - 1]).fetchone()
            following = last[0] if last else None
            within = self._within(after, following or "")
            query = sql.SQL(_COMPARE).format(within=within, **self._names)
            streams = connection.execute(query, [KEPT_DIFFERENCES]).fetchall()
            return Compared([stream for (stream,) in streams], following)

        return self._database.read(read)

    def _within(self, after: str, last: str) -> sql.Composed:
        """The condition on keys above `after` and up to `last`; an empty text is no bound."""
        key, kind = self._names["key"], sql.SQL(self._new.layout.rows.kind)
        bounds = [
            sql.SQL("{} {} {}::{}").format(key, sql.SQL(sign), sql.Literal(bound), kind)
            for sign, bound in ((">", after), ("<=", last))
            if bound
        ]
        return sql.SQL("WHERE {}").format(sql.SQL(" AND ").join([sql.SQL("true"), *bounds]))

    def keep_compared(self, following: str | None, differences: Sequence[Difference]) -> None:
        def write(connection: Connection) -> None:
            connection.execute(
                "UPDATE read_model.generation SET compared = coalesce(%s, compared),"
                " differences = (SELECT coalesce(jsonb_agg(one), '[]') FROM ("
                "   SELECT one FROM jsonb_array_elements(differences || %s) AS one LIMIT %s"
                " ) AS kept), changed_at = now() WHERE name = %s",
                [
                    following,
                    msgspec.json.encode(differences).decode(),
                    KEPT_DIFFERENCES,
                    self._new.name,
                ],
            )

        self._database.transaction(write)

    def sample(self, size: int) -> list[str]:
        return self._streams("SELECT stream FROM {new}.gates ORDER BY random() LIMIT %s", [size])

    def faults(self, limit: int) -> list[Difference]:
        query = sql.SQL(_PARKED_BEHIND).format(**self._names)
        found = [
            Difference(stream, "new", f"parked, while the live one goes on: {reason}")
            for stream, reason in self._ask(query, [limit])
        ]
        lost = sql.SQL("SELECT stream, commit FROM {new}.lost ORDER BY stream LIMIT %s")
        found += [
            Difference(stream, "live", f"shows commit {commit}, which the event store lacks")
            for stream, commit in self._ask(lost.format(**self._names), [limit])
        ]
        for table in self._new.layout.sums:
            for key in self._ask(table.differing(self._new.name, self._new.layout.rows), [limit]):
                whose = ", ".join(map(str, key))
                detail = f"{table.name} is not the sum of its rows"
                found.append(Difference(whose, "new", detail))
        return found

    def swap(self, repair: Callable[[str], object]) -> bool:
        behind = sql.SQL(_BEHIND).format(**self._names)

        def write(connection: Connection) -> bool:
            _lock(connection)
            streams = connection.execute(behind, [True, REPAIRED_AT_ONCE + 1]).fetchall()
            if len(streams) > REPAIRED_AT_ONCE:
                return False
            for stream, _ in streams:
                repair(stream)
            if connection.execute(behind, [True, 1]).fetchall():
                return False
            moved = connection.execute(
                "UPDATE read_model.pointer SET live = building, building = NULL"
                " WHERE projection = %s AND live = %s AND building = %s",
                [ORDERS, self._live.name, self._new.name],
            )
            if moved.rowcount == 0:
                raise Moved(f"{self._new.name} is not being built any more")
            for name, phase in ((self._live.name, "old"), (self._new.name, "live")):
                connection.execute(
                    "UPDATE read_model.generation SET phase = %s, changed_at = now()"
                    " WHERE name = %s",
                    [phase, name],
                )
            return True

        return self._database.transaction(write)

    def _ask(self, query: Any, parameters: list[Any]) -> list[Any]:
        return self._database.read(
            lambda connection: connection.execute(query, parameters).fetchall()
        )

    def _streams(self, query: Any, parameters: list[Any]) -> list[str]:
        asked = sql.SQL(query).format(**self._names)
        return [stream for (stream,) in self._ask(asked, parameters)]


def _lock(connection: Connection) -> None:
    connection.execute("SELECT FROM read_model.pointer WHERE projection = %s FOR UPDATE", [ORDERS])


def _clean(text: str) -> str:
    return text.replace("\x00", "�")
