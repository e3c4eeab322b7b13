"""Migrations: each file once, all or none, one at a time."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reference_service.aws.migration import MIGRATIONS, MigrationChanged, migrate
from reference_service.aws.order_tables import LAYOUTS
from tests.database import ReadSide

Connection = psycopg.Connection[Any]


@pytest.fixture
def fresh(read_side: ReadSide) -> Iterator[str]:
    """The name of an empty database on the server."""
    with read_side.connect() as admin:
        admin.execute("CREATE DATABASE migrating")
        yield "migrating"
        admin.execute("DROP DATABASE migrating WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def connect(read_side: ReadSide, name: str) -> Connection:
    return psycopg.connect(read_side.server.admin_dsn, dbname=name, autocommit=True)


def tables(connection: Connection) -> set[str]:
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'read_model'"
    )
    return {name for (name,) in rows.fetchall()}


def test_a_second_run_applies_nothing(read_side: ReadSide, fresh: str) -> None:
    with connect(read_side, fresh) as session:
        files = [file.name for file in sorted(MIGRATIONS.glob("*.sql"))]
        assert migrate(session, LAYOUTS) == [*files, "orders_1"]
        assert migrate(session, LAYOUTS) == []
        assert {"pointer", "generation", "order_summary", "reconcile_cursor"} <= tables(session)


def test_only_new_files_are_applied(read_side: ReadSide, fresh: str, folder: Path) -> None:
    with connect(read_side, fresh) as session:
        migrate(session, LAYOUTS, folder)
        (folder / "9999_more.sql").write_text("CREATE TABLE read_model.more (one int);")
        assert migrate(session, LAYOUTS, folder) == ["9999_more.sql"]
        assert "more" in tables(session)


def test_a_file_edited_after_it_was_applied_is_refused(
    read_side: ReadSide, fresh: str, folder: Path
) -> None:
    with connect(read_side, fresh) as session:
        migrate(session, LAYOUTS, folder)
        first = min(folder.glob("*.sql"))
        first.write_text(first.read_text() + "\nCREATE TABLE read_model.sneaked_in (one int);")
        with pytest.raises(MigrationChanged, match=first.name):
            migrate(session, LAYOUTS, folder)
        assert "sneaked_in" not in tables(session)


def test_a_failing_file_leaves_nothing_behind(
    read_side: ReadSide, fresh: str, folder: Path
) -> None:
    (folder / "9998_good.sql").write_text("CREATE TABLE read_model.good (one int);")
    (folder / "9999_bad.sql").write_text("CREATE TABLE read_model.bad (one nonsense);")
    with connect(read_side, fresh) as session:
        with pytest.raises(psycopg.errors.UndefinedObject):
            migrate(session, LAYOUTS, folder)
        assert tables(session) == set()


def test_two_at_once_apply_once(read_side: ReadSide, fresh: str) -> None:
    applied: list[list[str]] = []

    def run() -> None:
        with connect(read_side, fresh) as session:
            applied.append(migrate(session, LAYOUTS))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(map(len, applied)) == [0, 0, 0, len(list(MIGRATIONS.glob("*.sql"))) + 1]


def test_an_empty_folder_is_a_mistake(read_side: ReadSide, tmp_path: Path) -> None:
    with read_side.connect() as session, pytest.raises(FileNotFoundError):
        migrate(session, LAYOUTS, tmp_path)
