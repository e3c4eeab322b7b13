"""What each function may do in the database, table by table: its work, and nothing beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from reference_service.aws import generations
from reference_service.aws.order_tables import ORDERS
from tests.database import ReadSide

ROLES = ("query", "projector", "operations")
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
# Views that are shown to people belong to the operator; functions read the tables.
READ = {"SELECT"}
WRITE = {"SELECT", "INSERT", "UPDATE"}
GRANTED: dict[str, dict[str, set[str]]] = {
    "query": {
        "pointer": READ,
        "generation": READ,
        **dict.fromkeys(("gates", "parked", "order_summary", "customer_summary"), READ),
    },
    "projector": {
        "pointer": READ,
        "generation": READ,
        **dict.fromkeys(("gates", "order_summary", "customer_summary"), WRITE),
        "parked": WRITE | {"DELETE"},
        "touched": {"SELECT", "INSERT"},
    },
}
HELD_RIGHTS = """
    SELECT relation.relname, "right"
    FROM pg_class AS relation
    JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
    CROSS JOIN unnest(%s::text[]) AS "right"
    WHERE schema.nspname = ANY(%s) AND relation.relkind IN ('r', 'v', 'm', 'p', 'f')
        AND has_table_privilege(%s, relation.oid, "right")
"""
OTHER_SCHEMAS = """
    SELECT nspname FROM pg_namespace
    WHERE (has_schema_privilege(%s, oid, 'CREATE'))
        OR (has_schema_privilege(%s, oid, 'USAGE') AND nspname <> ALL(%s))
"""


@dataclass
class Places:
    """The schemas of a read side of which another generation is being built."""

    live: str
    building: str

    @property
    def generations(self) -> list[str]:
        return [self.live, self.building]


@pytest.fixture
def places(read_side: ReadSide) -> Iterator[Places]:
    with read_side.connect() as admin:
        with admin.transaction():
            admin.execute("SET LOCAL ROLE operations")
            building = generations.begin(admin, ORDERS)
        yield Places(read_side.live().name, building)
        with admin.transaction():
            admin.execute("SET LOCAL ROLE operations")
            admin.execute("UPDATE read_model.pointer SET building = NULL")
            generations.drop(admin, building)


@pytest.mark.parametrize("role", ["query", "projector"])
def test_a_role_may_what_its_function_does_and_nothing_else(
    read_side: ReadSide, places: Places, role: str
) -> None:
    control = {name for name in GRANTED[role] if name in ("pointer", "generation")}
    with read_side.connect() as admin:
        for schemas, names in (
            (["read_model"], control),
            *(([schema], GRANTED[role].keys() - control) for schema in places.generations),
        ):
            found: dict[str, set[str]] = {}
            for name, right in admin.execute(HELD_RIGHTS, [list(RIGHTS), schemas, role]):
                found.setdefault(name, set()).add(right)
            assert found == {name: GRANTED[role][name] for name in names}, schemas


@pytest.mark.parametrize("role", ["query", "projector"])
def test_a_role_makes_nothing_and_looks_nowhere_else(
    read_side: ReadSide, places: Places, role: str
) -> None:
    system = ["pg_catalog", "information_schema", "public", "read_model", *places.generations]
    with read_side.connect() as admin:
        assert admin.execute(OTHER_SCHEMAS, [role, role, system]).fetchall() == []
        on_database = "SELECT has_database_privilege(%s, current_database(), 'CREATE')"
        assert admin.execute(on_database, [role]).fetchall() == [(False,)]
        attributes = (
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
            " FROM pg_roles WHERE rolname = %s"
        )
        assert admin.execute(attributes, [role]).fetchall() == [(False,)]
        members = (
            "SELECT granted.rolname FROM pg_auth_members JOIN pg_roles AS member"
            " ON member.oid = member JOIN pg_roles AS granted ON granted.oid = roleid"
            " WHERE member.rolname = %s"
        )
        assert admin.execute(members, [role]).fetchall() == [("rds_iam",)]


DENIED = {
    "query": (
        "INSERT INTO {live}.gates VALUES ('s', 1, repeat('x', 32)::bytea)",
        "UPDATE {live}.order_summary SET paid = 0",
        "UPDATE {live}.customer_summary SET total = 0",
        "DELETE FROM {live}.parked",
        "TRUNCATE {live}.gates",
        "SELECT FROM {live}.touched",
        "SELECT live FROM read_model.pointer FOR SHARE",
        "UPDATE read_model.pointer SET held = true",
        "SELECT FROM read_model.segment",
        "SELECT FROM read_model.reconcile_cursor",
        "SELECT FROM read_model.schema_migration",
        "SELECT nextval('read_model.generation_number')",
    ),
    "projector": (
        "UPDATE read_model.pointer SET live = building",
        "UPDATE read_model.pointer SET building = NULL",
        "DELETE FROM read_model.pointer",
        "UPDATE read_model.generation SET phase = 'live'",
        "DELETE FROM {live}.gates",
        "DELETE FROM {live}.order_summary",
        "DELETE FROM {building}.touched",
        "TRUNCATE {live}.customer_summary",
        "UPDATE read_model.segment SET done = true",
        "UPDATE read_model.reconcile_cursor SET cursor = NULL",
    ),
}
DDL = (
    "CREATE TABLE read_model.mine (a int)",
    "CREATE TABLE {live}.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE SCHEMA mine",
    "ALTER TABLE {live}.gates ADD COLUMN mine int",
    "CREATE INDEX ON {live}.gates (at)",
    "DROP TABLE {live}.order_summary",
    "DROP SCHEMA {building} CASCADE",
    "CREATE ROLE mine",
    "SET ROLE operations",
    "SET ROLE postgres",
    "COPY {live}.gates TO PROGRAM 'cat'",
)


@pytest.mark.parametrize(
    ("role", "statement"),
    [(role, each) for role, denied in DENIED.items() for each in (*denied, *DDL)],
)
def test_it_is_refused_beyond_that(
    read_side: ReadSide, places: Places, role: str, statement: str
) -> None:
    asked = statement.format(live=places.live, building=places.building)
    with (
        read_side.connect(role) as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute(asked)


def test_a_projector_holds_the_pointer_and_can_not_move_it(
    read_side: ReadSide, places: Places
) -> None:
    with read_side.connect("projector") as session, session.transaction():
        assert generations.held(session, places.live) == "live"
        assert generations.held(session, places.building, "building") == "scan"


def test_functions_have_no_password_and_idle_sessions_end(read_side: ReadSide) -> None:
    """By IAM tokens alone, and a warm function does not keep a database from pausing."""
    with read_side.connect() as admin:
        found = admin.execute(
            "SELECT rolname, rolpassword, setconfig FROM pg_authid"
            " LEFT JOIN pg_db_role_setting ON setrole = pg_authid.oid"
            " WHERE rolname = ANY(%s)",
            [list(ROLES)],
        ).fetchall()
    assert {name: (password, settings) for name, password, settings in found} == dict.fromkeys(
        ROLES, (None, ["idle_session_timeout=5min"])
    )
