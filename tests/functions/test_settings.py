"""A function's environment: written by infra and read by the function under the same names."""

import pytest

from reference_service import bootstrap
from reference_service.schemas import CONTRACTS
from reference_service.settings import (
    CommandWorkerSettings,
    MigrationSettings,
    RelaySettings,
    SettingsError,
    environment,
    written_versions,
)


def test_what_is_written_is_what_is_read() -> None:
    values = {"log_stream": "log", "evidence_bucket": "evidence", "parked_table": "parked"}
    written = environment(RelaySettings, **values)
    assert written == {"LOG_STREAM": "log", "EVIDENCE_BUCKET": "evidence", "PARKED_TABLE": "parked"}
    assert RelaySettings.from_environment(written) == RelaySettings(**values)


@pytest.mark.parametrize(
    "values", [{}, {"events_table": "t", "writes": "w", "log_stream": "l"}, {"event": "t"}]
)
def test_a_missing_or_unknown_field_is_a_type_error(values: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="CommandWorkerSettings"):
        environment(CommandWorkerSettings, **values)


def test_what_has_a_default_may_be_left_out() -> None:
    written = environment(CommandWorkerSettings, events_table="events", writes=f"{PLACED}/v3")
    assert written == {"EVENTS_TABLE": "events", "WRITES": f"{PLACED}/v3"}
    assert CommandWorkerSettings.from_environment(written).snapshot_every == 0
    with pytest.raises(SettingsError, match="SNAPSHOT_EVERY is 'often', not a number"):
        CommandWorkerSettings.from_environment(written | {"SNAPSHOT_EVERY": "often"})


def test_every_fault_is_named_at_once() -> None:
    environ = {"DATABASE_HOST": "host", "DATABASE_PORT": "five", "DATABASE_NAME": ""}
    with pytest.raises(SettingsError) as fault:
        MigrationSettings.from_environment(environ)
    assert str(fault.value) == (
        "MigrationSettings: DATABASE_PORT is 'five', not a number, DATABASE_NAME is missing,"
        " DATABASE_SSLMODE is missing, DATABASE_SECRET_ARN is missing"
    )


PLACED = "events/internal/order_placed"


def test_a_list_stands_with_commas_between_its_parts() -> None:
    environ = {"EVENTS_TABLE": "events", "WRITES": f"{PLACED}/v3,events/public/order_placed/v1"}
    settings = CommandWorkerSettings.from_environment(environ)
    assert settings.writes == (f"{PLACED}/v3", "events/public/order_placed/v1")
    assert written_versions(settings.writes, CONTRACTS) == {
        PLACED: 3,
        "events/public/order_placed": 1,
    }


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ([f"{PLACED}/v99"], f"contracts/ has no event '{PLACED}/v99'"),
        ([PLACED], f"contracts/ has no event '{PLACED}'"),
        ([f"{PLACED}/v3 "], f"contracts/ has no event '{PLACED}/v3 '"),
        (["commands/place_order/v1"], "contracts/ has no event 'commands/place_order/v1'"),
        (["events/../events/internal/order_placed/v1"], "contracts/ has no event"),
        ([f"{PLACED}/v3", f"{PLACED}/v2"], f"{PLACED} is named twice, with v3 and v2"),
        ([f"{PLACED}/v99", f"{PLACED}/v3", f"{PLACED}/v3"], "v99', events/internal"),
    ],
)
def test_what_cannot_be_written_is_named(names: list[str], fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        written_versions(names, CONTRACTS)
    assert fault in str(refused.value)


def test_a_function_refuses_to_start_with_a_version_that_it_does_not_know() -> None:
    settings = CommandWorkerSettings(events_table="events", writes=(f"{PLACED}/v99",))
    with pytest.raises(SettingsError, match="order_placed/v99"):
        bootstrap.command_worker(settings)
