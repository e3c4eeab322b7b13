"""The stage of the delivery tests: functions and streams of their own, one engine for most."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.stage import RunningEngine, Stage
from tests.emulator import Emulator


@pytest.fixture
def stage(emulator: Emulator, tmp_path: Path) -> Stage:
    return Stage(emulator, tmp_path)


@pytest.fixture(scope="session")
def shared_engine(
    emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEngine]:
    running = RunningEngine(tmp_path_factory.mktemp("delivery"), emulator.environment())
    running.start()
    yield running
    running.stop()


@pytest.fixture
def engine(shared_engine: RunningEngine) -> Iterator[RunningEngine]:
    """An engine without mappings."""
    yield shared_engine
    for mapping in shared_engine.client.mappings():
        shared_engine.client.delete_mapping(mapping["uuid"])


@pytest.fixture
def own_engine(emulator: Emulator, tmp_path: Path) -> Iterator[RunningEngine]:
    """An engine to kill and to start again."""
    running = RunningEngine(tmp_path, emulator.environment())
    running.start()
    yield running
    running.stop()
