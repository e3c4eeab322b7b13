"""Real processes in a temporary home, shared where a test leaves them as it found them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitacora.embedded import lifecycle
from bitacora.embedded.environment import Environment


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """Every part runs; nothing is provisioned."""
    # Not pytest's folder: another session of root closes it to PostgreSQL's user.
    home = Path(tempfile.mkdtemp(prefix="bitacora-"))
    lifecycle.start(home, print)
    yield Environment(home)
    lifecycle.stop(home, purge=True)


@pytest.fixture
def own_home() -> Iterator[Path]:
    """For a test that starts its own; whatever it leaves is ended. Its name needs quoting."""
    home = Path(tempfile.mkdtemp(prefix="bitacora's "))
    yield home
    lifecycle.stop(home, purge=True)
    shutil.rmtree(home, ignore_errors=not home.exists())
