"""Fixtures for every area: one embedded cloud per test session."""

from collections.abc import Iterator

import pytest

from tests import emulator as ministack
from tests.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """MiniStack on a free port: `.endpoint`, `.client(service)`, `.environment()` for the SDK."""
    running = ministack.start(tmp_path_factory.mktemp("ministack"))
    yield running
    ministack.stop(running)
