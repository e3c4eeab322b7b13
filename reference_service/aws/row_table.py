"""The tables of a read model as data, and the SQL that makes, reads and writes them.

A table is written in a schema that is named with each call: the same tables stand in several
generations of a read model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, cast

import msgspec
from psycopg import sql

# Texts of times as commits carry them: UTC with milliseconds.
_UTC_TEXT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
_READ = {"uuid": "{}::text", "timestamptz": _UTC_TEXT}


@dataclass(frozen=True)
class RowTable:
    """A row per stream.

    `columns` (name → SQL type) are the fields of `row`, a msgspec struct, in their order; those in
    `optional` may be null. The first column is the key; `key_of` gives it for a stream, None when
    there can be no row. `indexes` (name → columns, as SQL) are those besides the key's.
    """

    name: str
    row: type[msgspec.Struct]
    columns: Mapping[str, str]
    key_of: Callable[[str], str | None]
    stream: str
    optional: frozenset[str] = frozenset()
    indexes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return next(iter(self.columns))

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)

    @property
    def kind(self) -> str:
        """The key's SQL type."""
        return self.columns[self.key]

    def stream_of(self, key: sql.Composable) -> sql.Composed:
        return _sql(self.stream).format(key=key)

    def identifier(self, schema: str) -> sql.Identifier:
        return sql.Identifier(schema, self.name)

    def selected(self, alias: str) -> sql.Composed:
        """The columns as `from_record` takes them."""
        return sql.SQL(", ").join(
            _sql(_READ.get(kind, "{}")).format(sql.Identifier(alias, name))
            for name, kind in self.columns.items()
        )

    def from_record(self, record: Sequence[Any]) -> Any:
        return msgspec.convert(dict(zip(self.columns, record, strict=True)), self.row)

    def made(self, schema: str) -> sql.Composed:
        """The table without its keys."""
        columns = (
            sql.SQL("{} {}").format(
                sql.Identifier(name), _sql(kind if name in self.optional else f"{kind} NOT NULL")
            )
            for name, kind in self.columns.items()
        )
        return _table(self.identifier(schema), columns)

    def upsert(self, schema: str) -> sql.Composed:
        """One statement for any number of rows: a parameter, an array, for each column."""
        changed = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in self.columns
            if name != self.key
        ]
        return sql.SQL(
            "INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"
            " ON CONFLICT ({key}) DO UPDATE SET {changed}"
        ).format(
            table=self.identifier(schema),
            names=_names(self.columns),
            arrays=_arrays(self.columns),
            key=sql.Identifier(self.key),
            changed=sql.SQL(", ").join(changed),
        )

    def arrays(self, rows: Sequence[msgspec.Struct]) -> list[list[Any]]:
        """The parameters of `upsert`."""
        return [
            _parameters(kind, map(attrgetter(name), rows)) for name, kind in self.columns.items()
        ]

    def record(self, row: msgspec.Struct) -> list[Any]:
        """The row as COPY takes it."""
        return list(map(_parameter, self.columns.values(), msgspec.structs.astuple(row)))


@dataclass(frozen=True)
class SumTable:
    """Sums over the rows of a RowTable, kept up with each row that changes.

    A row per combination of `group` (columns of the rows); `sums` are SQL expressions over one row,
    whose integers are added up. The expressions may use the columns `of`, which hold the group too.
    """

    name: str
    group: Mapping[str, str]
    sums: Mapping[str, str]
    of: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.group)

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""
        return (*self.group, *self.sums)

    def identifier(self, schema: str) -> sql.Identifier:
        return sql.Identifier(schema, self.name)

    def made(self, schema: str) -> sql.Composed:
        """The table without its keys."""
        columns = {**self.group, **dict.fromkeys(self.sums, "bigint")}
        return _table(
            self.identifier(schema),
            (
                sql.SQL("{} {}").format(sql.Identifier(name), _sql(f"{kind} NOT NULL"))
                for name, kind in columns.items()
            ),
        )

    def summed(self, schema: str, rows: RowTable) -> sql.Composed:
        """The statement that fills the empty table from all rows."""
        return sql.SQL("INSERT INTO {table} {sums}").format(
            table=self.identifier(schema),
            sums=self.over(sql.SQL("SELECT * FROM {}").format(rows.identifier(schema))),
        )

    def over(self, rows: sql.Composable) -> sql.Composed:
        """The sums of the rows that a SELECT gives, as SELECT: the group, then the sums."""
        return sql.SQL("SELECT {group}, {sums} FROM ({rows}) AS rows GROUP BY {group}").format(
            group=_names(self.group),
            rows=rows,
            sums=sql.SQL(", ").join(
                sql.SQL("sum({})::bigint AS {}").format(_sql(added), sql.Identifier(name))
                for name, added in self.sums.items()
            ),
        )

    def differing(self, schema: str, rows: RowTable) -> sql.Composed:
        """The groups whose sums are not those of the rows; the parameter is how many at most."""
        return sql.SQL("""
            SELECT DISTINCT {group} FROM (
                (TABLE {table} EXCEPT {sums}) UNION ALL ({sums} EXCEPT TABLE {table})
            ) AS differing LIMIT %s
        """).format(
            group=_names(self.group),
            table=self.identifier(schema),
            sums=self.over(sql.SQL("SELECT * FROM {}").format(rows.identifier(schema))),
        )

    def moved(self, schema: str, rows: RowTable) -> sql.Composed:
        """One statement that adds what rows become and takes away what they are.

        To be run before `rows.upsert`; its parameters are `changes`. In the order of keys, so that
        writers who share groups take their locks in the same order.
        """
        read = (rows.key, *self.of)
        kinds = {name: rows.columns[name] for name in read}
        return sql.SQL("""
            WITH becoming ({names}) AS (SELECT * FROM unnest({arrays})),
            change AS (
                SELECT 1 AS sign, becoming.* FROM becoming
                UNION ALL
                SELECT -1, {before} FROM {rows} AS standing JOIN becoming USING ({key})
            )
            INSERT INTO {table} AS standing ({columns})
            SELECT {group}, {sums} FROM change GROUP BY {group} HAVING {any} ORDER BY {group}
            ON CONFLICT ({group}) DO UPDATE SET {added}
        """).format(
            names=_names(kinds),
            arrays=_arrays(kinds),
            before=sql.SQL(", ").join(sql.Identifier("standing", name) for name in read),
            rows=rows.identifier(schema),
            key=sql.Identifier(rows.key),
            table=self.identifier(schema),
            columns=_names(self.names),
            group=_names(self.group),
            sums=sql.SQL(", ").join(
                sql.SQL("sum(sign * ({}))::bigint").format(_sql(added))
                for added in self.sums.values()
            ),
            any=sql.SQL(" OR ").join(
                sql.SQL("sum(sign * ({})) <> 0").format(_sql(added)) for added in self.sums.values()
            ),
            added=sql.SQL(", ").join(
                sql.SQL("{0} = standing.{0} + excluded.{0}").format(sql.Identifier(name))
                for name in self.sums
            ),
        )

    def changes(self, rows: RowTable, becoming: Sequence[msgspec.Struct]) -> list[list[Any]]:
        """The parameters of `moved`."""
        read = (rows.key, *self.of)
        return [[getattr(row, name) for row in becoming] for name in read]


def _table(name: sql.Identifier, columns: Any) -> sql.Composed:
    return sql.SQL("CREATE TABLE {} ({})").format(name, sql.SQL(", ").join(columns))


def _names(names: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _arrays(columns: Mapping[str, str]) -> sql.Composed:
    """Sent in PostgreSQL's binary format: as text, the driver escapes each value in Python."""
    return sql.SQL(", ").join(_sql(f"%b::{kind}[]") for kind in columns.values())


def _sql(text: str) -> sql.SQL:
    """SQL that stands in the declaration of a table."""
    return sql.SQL(cast("Any", text))


def _parameters(kind: str, values: Iterable[Any]) -> list[Any]:
    return [_parameter(kind, value) for value in values] if kind == "jsonb" else list(values)


def _parameter(kind: str, value: Any) -> Any:
    return msgspec.json.encode(value).decode() if kind == "jsonb" and value is not None else value
