"""A part of contracts/ for each test that changes it."""

from pathlib import Path

import pytest

from tests.contracts.planted import Contracts


@pytest.fixture
def contracts(tmp_path: Path) -> Contracts:
    """A sound folder below tmp_path."""
    return Contracts.copied(tmp_path / "project" / "contracts")
