"""The generations of a read model: which one is live, which one is being built, and the swap.

Each generation is a schema with all the tables of a Layout. A row of read_model.pointer names the
live one. A projector holds that row FOR SHARE in each transaction, whoever swaps FOR UPDATE: so
what a projector writes is either seen by the swap or goes to the new generation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import psycopg
from psycopg import sql

from reference_service.aws.layout import Layout
from reference_service.cqrs.rebuild import Phase
from reference_service.cqrs.store import Unavailable

Connection: TypeAlias = "psycopg.Connection[Any]"
Place: TypeAlias = Literal["live", "building"]

ORDERS = "orders"
# How many parts of the event store a rebuild scans side by side.
SEGMENTS = 4


@dataclass(frozen=True)
class Generation:
    """`layout` is how its tables are laid out, in the version that it was made with."""

    name: str
    layout: Layout
    phase: Phase


class Moved(Unavailable):
    """The generation is not at its place of the pointer any more: look again, then repeat."""


class UnknownVersion(Unavailable):
    """The generation has a version that this code does not know: it is not the newest code.

    Transient, for the next deployment knows it; what is read or written meanwhile must wait.
    """


_AT = """
    SELECT generation.name, generation.version, generation.phase
    FROM read_model.pointer JOIN read_model.generation ON generation.name = pointer.{place}
    WHERE pointer.projection = %s
"""


def known(found: Any, layouts: Mapping[int, Layout]) -> Generation:
    """The generation of a record (name, version, phase). Raises UnknownVersion."""
    name, version, phase = found
    if version not in layouts:
        versions = ", ".join(map(str, sorted(layouts)))
        raise UnknownVersion(f"the read model has version {version}, this code knows {versions}")
    return Generation(name, layouts[version], phase)


def standing(
    connection: Connection, layouts: Mapping[int, Layout], place: Place = "live"
) -> Generation | None:
    """The generation at that place of the pointer, None when there is none.

    Raises UnknownVersion.
    """
    query = sql.SQL(_AT).format(place=sql.Identifier(place))
    found = connection.execute(query, [ORDERS]).fetchone()
    return known(found, layouts) if found else None


def live(connection: Connection, layouts: Mapping[int, Layout]) -> Generation:
    """Raises UnknownVersion, and Unavailable before the first deployment has made a generation."""
    found = standing(connection, layouts)
    if found is None:
        raise Unavailable("the read model has no tables yet: it was not migrated")
    return found


def hold(connection: Connection, name: str, place: Place = "live") -> "psycopg.Cursor[Any]":
    """Keep the pointer from being moved until the transaction ends.

    The cursor gives the generation (name, version, phase), or nothing when it does not stand at
    that place any more.
    """
    query = sql.SQL(_AT + "AND generation.name = %s FOR SHARE OF pointer")
    return connection.execute(query.format(place=sql.Identifier(place)), [ORDERS, name])


def held(connection: Connection, name: str, place: Place = "live") -> Phase | None:
    """Hold the pointer; the phase of the generation, None when it is not at that place any more."""
    found = hold(connection, name, place).fetchone()
    return found[2] if found else None


def prepare(connection: Connection, layouts: Mapping[int, Layout]) -> str | None:
    """Make the first generation, or begin the next one when the newest layout is not the live one.

    What was made, None for nothing. To be run as the role that owns the generations.
    """
    newest = layouts[max(layouts)]
    with connection.transaction():
        # Of two deployments at once, the second one finds what the first one made.
        connection.execute("LOCK TABLE read_model.pointer IN EXCLUSIVE MODE")
        live = connection.execute(
            "SELECT generation.version, pointer.building"
            " FROM read_model.pointer JOIN read_model.generation ON generation.name = pointer.live"
            " WHERE pointer.projection = %s",
            [ORDERS],
        ).fetchone()
        if live is None:
            return _first(connection, newest)
        if live[0] >= newest.version or live[1]:
            return None
        return begin(connection, newest)


def begin(connection: Connection, layout: Layout) -> str:
    """A generation to be filled, in the place of one that was being built; its name."""
    with connection.transaction():
        [(standing_name, building)] = connection.execute(
            "SELECT live, building FROM read_model.pointer WHERE projection = %s FOR UPDATE",
            [ORDERS],
        ).fetchall()
        if building:
            connection.execute(
                "UPDATE read_model.pointer SET building = NULL WHERE projection = %s", [ORDERS]
            )
            drop(connection, building)
        name = _make(connection, layout, "scan")
        connection.execute(
            sql.SQL(
                "UPDATE read_model.generation SET expected ="
                " (SELECT coalesce(sum(commit), 0) FROM {}) WHERE name = %s"
            ).format(sql.Identifier(standing_name, "gates")),
            [name],
        )
        connection.execute(
            "INSERT INTO read_model.segment (generation, number)"
            " SELECT %s, number FROM generate_series(0, %s) AS number",
            [name, SEGMENTS - 1],
        )
        connection.execute(
            "UPDATE read_model.pointer SET building = %s WHERE projection = %s", [name, ORDERS]
        )
        return name


def drop(connection: Connection, name: str) -> None:
    """Drop the schema of a generation that the pointer does not name."""
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
    connection.execute("DELETE FROM read_model.generation WHERE name = %s", [name])


def touch(connection: Connection, name: str, streams: Sequence[str]) -> None:
    """Note streams of which commits arrived before the tables of that generation have keys."""
    connection.execute(
        sql.SQL("INSERT INTO {} SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING").format(
            sql.Identifier(name, "touched")
        ),
        [list(streams)],
    )


def drop_old(connection: Connection, layouts: Mapping[int, Layout]) -> list[str]:
    """Drop what was replaced; the names. The views are moved off it before, if they were not."""
    with connection.transaction():
        standing_now = live(connection, layouts)
        show(connection, standing_now.name, standing_now.layout)
        old = connection.execute(
            "SELECT name FROM read_model.generation WHERE projection = %s AND phase = 'old'"
            " ORDER BY started_at",
            [ORDERS],
        ).fetchall()
        for (name,) in old:
            drop(connection, name)
    return [name for (name,) in old]


def show(connection: Connection, generation_name: str, layout: Layout) -> None:
    """Let the views read_model.<table> show that generation, for people and for the audit.

    Functions do not read them: a view is replaced by a lock that waits for all its readers.
    """
    for table in layout.shown:
        view = sql.Identifier("read_model", table)
        connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
        connection.execute(
            sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(
                view, sql.Identifier(generation_name, table)
            )
        )


def _first(connection: Connection, layout: Layout) -> str:
    """An empty generation that is live at once: nothing was projected yet."""
    name = _make(connection, layout, "live")
    for statement in layout.keyed(name):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO read_model.pointer (projection, live) VALUES (%s, %s)", [ORDERS, name]
    )
    show(connection, name, layout)
    return name


def _make(connection: Connection, layout: Layout, phase: Phase) -> str:
    found = connection.execute(
        "SELECT %s || '_' || nextval('read_model.generation_number')", [ORDERS]
    ).fetchone()
    assert found is not None
    name: str = found[0]
    for statement in layout.made(name):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO read_model.generation (name, projection, version, phase)"
        " VALUES (%s, %s, %s, %s)",
        [name, ORDERS, layout.version, phase],
    )
    return name
