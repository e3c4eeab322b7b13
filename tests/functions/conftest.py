import pytest

from tests.database import ReadSide
from tests.emulator import Emulator
from tests.functions.stage import Stage, prepare


@pytest.fixture(scope="session")
def _prepared(emulator: Emulator) -> Emulator:
    prepare(emulator)
    return emulator


@pytest.fixture
def stage(_prepared: Emulator, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(_prepared, monkeypatch)


@pytest.fixture
def stage_with_database(stage: Stage, read_side: ReadSide) -> Stage:
    stage.read_side = read_side
    return stage
