"""Fixtures for every area: one embedded cloud per test session."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import database
from tests import emulator as ministack
from tests.database import ReadSide
from tests.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """MiniStack on a free port: `.endpoint`, `.client(service)`, `.environment()` for the SDK."""
    running = ministack.start(tmp_path_factory.mktemp("ministack"))
    yield running
    ministack.stop(running)


@pytest.fixture(scope="session")
def _read_side() -> Iterator[ReadSide]:
    # Not in pytest's folder: each run of pytest closes that to the user PostgreSQL runs as.
    with TemporaryDirectory(prefix="bitacora-") as home, database.started(Path(home)) as side:
        yield side


@pytest.fixture
def read_side(_read_side: ReadSide) -> Iterator[ReadSide]:
    """PostgreSQL with the migrations applied, its tables empty."""
    _read_side.empty()
    yield _read_side
    _read_side.close()
