"""A function's environment: written by infra and read by the function under the same names."""

import pytest

from reference_service.settings import (
    CommandSettings,
    MigrationSettings,
    RelaySettings,
    SettingsError,
    environment,
)


def test_what_is_written_is_what_is_read() -> None:
    values = {"log_stream": "log", "evidence_bucket": "evidence", "parked_table": "parked"}
    written = environment(RelaySettings, **values)
    assert written == {"LOG_STREAM": "log", "EVIDENCE_BUCKET": "evidence", "PARKED_TABLE": "parked"}
    assert RelaySettings.from_environment(written) == RelaySettings(**values)


@pytest.mark.parametrize("values", [{}, {"events_table": "t", "log_stream": "l"}, {"event": "t"}])
def test_a_missing_or_unknown_field_is_a_type_error(values: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="CommandSettings"):
        environment(CommandSettings, **values)


def test_every_fault_is_named_at_once() -> None:
    environ = {"DATABASE_HOST": "host", "DATABASE_PORT": "five", "DATABASE_NAME": ""}
    with pytest.raises(SettingsError) as fault:
        MigrationSettings.from_environment(environ)
    assert str(fault.value) == (
        "MigrationSettings: DATABASE_PORT is 'five', not a number, DATABASE_NAME is missing,"
        " DATABASE_SSLMODE is missing, DATABASE_SECRET_ARN is missing"
    )
