"""The stage of the delivery tests: an engine of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.stage import RunningEngine, Stage
from tests.emulator import Emulator


@pytest.fixture
def stage(emulator: Emulator, tmp_path: Path) -> Stage:
    return Stage(emulator, tmp_path)


@pytest.fixture
def engine(emulator: Emulator, tmp_path: Path) -> Iterator[RunningEngine]:
    running = RunningEngine(tmp_path, emulator.environment())
    running.start()
    yield running
    running.stop()
