"""What the schema of one generation holds: gates, parked markers, and the projection's tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from psycopg import sql

from reference_service.aws.row_table import RowTable, SumTable

READERS = ("query",)
WRITERS = ("projector",)

# `at` is the time of the last commit applied, null before the first. `touched` are the streams
# of which commits arrived before the tables had their keys, `lost` those of which the live tables
# showed a commit that the event store does not have.
_GATES = """
    CREATE TABLE {schema}.gates (
        stream     text COLLATE "C" NOT NULL,
        commit     bigint NOT NULL CHECK (commit >= 0),
        hash       bytea NOT NULL CHECK (length(hash) = 32),
        at         timestamptz,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
_PARKED = """
    CREATE TABLE {schema}.parked (
        stream    text COLLATE "C" NOT NULL,
        commit    bigint NOT NULL,
        reason    text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now()
    )
"""
_TOUCHED = 'CREATE TABLE {schema}.touched (stream text COLLATE "C" PRIMARY KEY)'
_LOST = """
    CREATE TABLE {schema}.lost (stream text COLLATE "C" PRIMARY KEY, commit bigint NOT NULL)
"""


@dataclass(frozen=True)
class Layout:
    """`version` changes with anything that a row of one of the tables shows."""

    version: int
    rows: RowTable
    sums: tuple[SumTable, ...] = ()

    @property
    def tables(self) -> "tuple[RowTable | SumTable, ...]":
        return (self.rows, *self.sums)

    @property
    def shown(self) -> tuple[str, ...]:
        """The tables that are read by others than the projector."""
        return ("gates", "parked", *(table.name for table in self.tables))

    def made(self, schema: str) -> Iterator[sql.Composed]:
        """Statements that make the schema and its tables, without keys."""
        name = sql.Identifier(schema)
        yield sql.SQL("CREATE SCHEMA {}").format(name)
        for table in (_GATES, _PARKED, _TOUCHED, _LOST):
            yield sql.SQL(table).format(schema=name)
        for projected in self.tables:
            yield projected.made(schema)
        yield from self._grants(name)

    def _grants(self, schema: sql.Identifier) -> Iterator[sql.Composed]:
        shown = sql.SQL(", ").join(
            sql.SQL("{}.{}").format(schema, sql.Identifier(t)) for t in self.shown
        )
        readers, writers = (sql.SQL(", ").join(map(sql.Identifier, n)) for n in (READERS, WRITERS))
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}, {}").format(schema, readers, writers)
        yield sql.SQL("GRANT SELECT ON {} TO {}").format(shown, readers)
        yield sql.SQL("GRANT SELECT, INSERT, UPDATE ON {} TO {}").format(shown, writers)
        yield sql.SQL("GRANT DELETE ON {}.parked TO {}").format(schema, writers)
        yield sql.SQL("GRANT SELECT, INSERT ON {}.touched TO {}").format(schema, writers)

    def keyed(self, schema: str) -> Iterator[sql.Composed]:
        """Statements that fill the sums and give the filled tables their keys, one by one."""
        for sums in self.sums:
            yield sums.summed(schema, self.rows)
        for name, keys in (
            ("gates", ("stream",)),
            ("parked", ("stream",)),
            *((table.name, table.keys) for table in self.tables),
        ):
            yield sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(
                sql.Identifier(schema, name), sql.SQL(", ").join(map(sql.Identifier, keys))
            )
        for index, columns in self.rows.indexes.items():
            yield sql.SQL("CREATE INDEX {} ON {} ({})").format(
                sql.Identifier(index),
                self.rows.identifier(schema),
                sql.SQL(cast("Any", columns)),
            )
        # Vacuum too would pay, but it cannot run in a transaction.
        yield sql.SQL("ANALYZE {}").format(
            sql.SQL(", ").join(sql.Identifier(schema, name) for name in self.shown)
        )
