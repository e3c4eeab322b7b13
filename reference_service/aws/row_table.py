"""The table of a read model: its columns, and the SQL that reads and writes its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from psycopg import sql

# Texts of times as commits carry them: UTC with milliseconds.
_UTC_TEXT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
_READ = {"uuid": "{}::text", "timestamptz": _UTC_TEXT}


@dataclass(frozen=True)
class RowTable:
    """`columns` (name → SQL type) are the fields of `row`, a msgspec struct, in their order.

    The first column is the key; `key_of` gives it for a stream, None when there can be no row.
    """

    schema: str
    name: str
    row: type[msgspec.Struct]
    columns: dict[str, str]
    key_of: Callable[[str], str | None]

    @property
    def key(self) -> str:
        return next(iter(self.columns))

    def selected(self, alias: str) -> sql.Composed:
        """The columns as `from_record` takes them."""
        return sql.SQL(", ").join(
            sql.SQL(cast("Any", _READ.get(kind, "{}"))).format(sql.Identifier(alias, name))
            for name, kind in self.columns.items()
        )

    def from_record(self, record: Sequence[Any]) -> Any:
        return msgspec.convert(dict(zip(self.columns, record, strict=True)), self.row)

    def upsert(self) -> sql.Composed:
        """One statement for any number of rows: a parameter, an array, for each column."""
        names = [sql.Identifier(name) for name in self.columns]
        arrays = [sql.SQL(cast("Any", f"%s::{kind}[]")) for kind in self.columns.values()]
        changed = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in self.columns
            if name != self.key
        ]
        return sql.SQL(
            "INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"
            " ON CONFLICT ({key}) DO UPDATE SET {changed}"
        ).format(
            table=self.identifier,
            names=sql.SQL(", ").join(names),
            arrays=sql.SQL(", ").join(arrays),
            key=sql.Identifier(self.key),
            changed=sql.SQL(", ").join(changed),
        )

    def arrays(self, rows: Sequence[msgspec.Struct]) -> list[list[Any]]:
        """The parameters of `upsert`."""
        return [
            [_parameter(kind, getattr(row, name)) for row in rows]
            for name, kind in self.columns.items()
        ]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


def _parameter(kind: str, value: Any) -> Any:
    return msgspec.json.encode(value).decode() if kind == "jsonb" and value is not None else value
