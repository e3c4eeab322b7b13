"""Real processes in a temporary home, shared where a test leaves them as it found them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bitacora.embedded import lifecycle
from bitacora.embedded.environment import Environment
from tests.homes import temporary_home


@pytest.fixture(scope="package")
def environment() -> Iterator[Environment]:
    """Every part runs; nothing is provisioned."""
    with temporary_home() as home:
        lifecycle.start(home, print)
        yield Environment(home)


@pytest.fixture
def own_home() -> Iterator[Path]:
    """For a test that starts its own; whatever it leaves is ended. Its name needs quoting."""
    with temporary_home("own 'home' ") as home:
        yield home
