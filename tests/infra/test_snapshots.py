"""The table of snapshots: there when it is configured, and then the command side's alone."""

import pytest

from reference_service.settings import CommandWorkerSettings
from tests.infra.in_process import Program
from tests.infra.stacks import program
from tests.infra.test_functions import FUNCTION, variables
from tests.infra.test_permissions import CHANGES, who_may

TABLE = "dynamodb/table:Table"
COMMAND_SIDE = {"command", "command-worker"}


@pytest.fixture
def having() -> Program:
    return program("prod", snapshotEvery="100")


def test_by_default_there_is_none(topology: Program) -> None:
    assert "snapshots" not in {table.name for table in topology.of(TABLE)}
    for name in COMMAND_SIDE:
        settings = CommandWorkerSettings.from_environment(variables(topology.one(FUNCTION, name)))
        assert settings.snapshot_every == 0
    assert "snapshots_table" not in topology.exports


def test_the_command_side_is_told_of_it(having: Program) -> None:
    table = having.one(TABLE, "snapshots")
    for name in COMMAND_SIDE:
        settings = CommandWorkerSettings.from_environment(variables(having.one(FUNCTION, name)))
        assert settings.snapshots_table == table.inputs["name"] == having.exports["snapshots_table"]
        assert settings.snapshot_every == 100


def test_only_the_command_side_reads_and_writes_it(having: Program) -> None:
    arn = having.one(TABLE, "snapshots").outputs["arn"]
    for action in ("GetItem", "PutItem"):
        assert who_may(having, f"dynamodb:{action}", arn) == COMMAND_SIDE
    for action in (*CHANGES, "Query", "Scan", "BatchGetItem"):
        assert who_may(having, f"dynamodb:{action}", arn) == set()


def test_it_goes_with_its_configuration(having: Program) -> None:
    """What can be made again is not protected: setting kit:snapshotEvery to 0 deletes it."""
    table = having.one(TABLE, "snapshots")
    assert not table.protect
    assert table.inputs["deletionProtectionEnabled"] is False
    assert table.inputs["pointInTimeRecovery"] == {"enabled": False}
