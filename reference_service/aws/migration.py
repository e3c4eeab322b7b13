"""Migrations of the read side: each .sql file once, in the order of names, all or none."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import psycopg

from reference_service.aws.generations import prepare
from reference_service.aws.layout import Layout

MIGRATIONS = Path(__file__).parent / "migrations"
# One migration at a time; the number is only this lock's name.
_LOCK = 7_202_611


class MigrationChanged(Exception):
    """A file was edited after it had been applied; a change belongs in a new file."""


def migrate(
    connection: psycopg.Connection, layouts: Mapping[int, Layout], folder: Path = MIGRATIONS
) -> list[str]:
    """Apply what was not applied yet, in one transaction, and prepare the newest of the layouts.

    The names of the files that were applied, and of the generation that was made, if any.

    Waits at most 30 s for a migration that runs elsewhere. Raises MigrationChanged,
    FileNotFoundError when the folder holds no migration, psycopg.Error.
    """
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise FileNotFoundError(f"no migrations in {folder}")
    applied: list[str] = []
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '30s'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("CREATE SCHEMA IF NOT EXISTS read_model")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS read_model.schema_migration"
            " (name text PRIMARY KEY, digest text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        found = connection.execute("SELECT name, digest FROM read_model.schema_migration")
        known: dict[str, str] = dict(found.fetchall())
        for file in files:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            if known.get(file.name, digest) != digest:
                raise MigrationChanged(f"{file.name} was changed after it was applied")
            if file.name not in known:
                connection.execute(file.read_bytes())
                connection.execute(
                    "INSERT INTO read_model.schema_migration (name, digest) VALUES (%s, %s)",
                    [file.name, digest],
                )
                applied.append(file.name)
        connection.execute("SET LOCAL ROLE operations")
        made = prepare(connection, layouts)
    return [*applied, *([made] if made else [])]
