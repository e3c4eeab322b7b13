"""What each function reads from its environment: a frozen dataclass per function.

The field `events_table` is the environment variable `EVENTS_TABLE`. Infra writes the variables with
`environment`, a function reads them with `from_environment`: a name is written once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


class SettingsError(Exception):
    """The environment lacks variables, or one can't be read; the message names each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every field. Raises SettingsError naming every missing or malformed variable."""
        faults: list[str] = []
        values: dict[str, Any] = {}
        for field in fields(cls):
            variable = field.name.upper()
            text = environ.get(variable, "")
            if not text:
                faults.append(f"{variable} is missing")
            elif field.type is int and not text.isdecimal():
                faults.append(f"{variable} is {text!r}, not a number")
            else:
                values[field.name] = int(text) if field.type is int else text
        if faults:
            raise SettingsError(f"{cls.__name__}: {', '.join(faults)}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings(Settings):
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_sslmode: str
    database_region: str


@dataclass(frozen=True, kw_only=True)
class CommandSettings(Settings):
    events_table: str


@dataclass(frozen=True, kw_only=True)
class CommandWorkerSettings(Settings):
    events_table: str


@dataclass(frozen=True, kw_only=True)
class RelaySettings(Settings):
    log_stream: str
    evidence_bucket: str
    parked_table: str


@dataclass(frozen=True, kw_only=True)
class PublisherSettings(Settings):
    events_table: str
    bus_name: str
    parked_table: str


@dataclass(frozen=True, kw_only=True)
class ProjectorSettings(DatabaseSettings):
    events_table: str


@dataclass(frozen=True, kw_only=True)
class QuerySettings(DatabaseSettings):
    events_table: str


@dataclass(frozen=True, kw_only=True)
class OperationsSettings(DatabaseSettings):
    events_table: str
    bus_name: str
    failures_bucket: str
    parked_table: str


@dataclass(frozen=True, kw_only=True)
class MigrationSettings(Settings):
    database_host: str
    database_port: int
    database_name: str
    database_sslmode: str
    database_secret_arn: str


@dataclass(frozen=True, kw_only=True)
class FulfilmentSettings(Settings):
    shipments_table: str
    bus_name: str


@dataclass(frozen=True, kw_only=True)
class NotifierSettings(Settings):
    notifications_topic_arn: str


@dataclass(frozen=True, kw_only=True)
class LedgerSettings(Settings):
    ledger_bucket: str


def environment(settings: type[Settings], /, **values: Any) -> dict[str, Any]:
    """The environment of a function that reads `settings`; values are passed through untouched.

    Raises TypeError when a field is missing or unknown, as a constructor would.
    """
    names = {field.name for field in fields(settings)}
    missing, unknown = sorted(names - values.keys()), sorted(values.keys() - names)
    if missing or unknown:
        raise TypeError(f"{settings.__name__}: missing {missing}, unknown {unknown}")
    return {name.upper(): value for name, value in values.items()}
