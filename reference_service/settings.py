"""What each function reads from its environment: a frozen dataclass per function.

The field `events_table` is the environment variable `EVENTS_TABLE`. Infra writes the variables with
`environment`, a function reads them with `from_environment`: a name is written once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any, Self

_EVENT = re.compile(r"(events/(?:internal|public)/[a-z_]+)/v([1-9][0-9]*)")


class SettingsError(Exception):
    """The environment lacks variables, or one can't be read; the message names each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every field; one with a default may be missing.

        Raises SettingsError naming every missing or malformed variable.
        """
        faults: list[str] = []
        values: dict[str, Any] = {}
        for field in fields(cls):
            variable = field.name.upper()
            text = environ.get(variable, "")
            if not text:
                if not _has_default(field):
                    faults.append(f"{variable} is missing")
            elif field.type is int and not text.isdecimal():
                faults.append(f"{variable} is {text!r}, not a number")
            else:
                values[field.name] = _read(field.type, text)
        if faults:
            raise SettingsError(f"{cls.__name__}: {', '.join(faults)}")
        return cls(**values)


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING


def _read(kind: Any, text: str) -> int | str | tuple[str, ...]:
    """A number, a text, or a list of texts with commas between them."""
    if kind is int:
        return int(text)
    return text if kind is str else tuple(text.split(","))


@dataclass(frozen=True, kw_only=True)
class WriterSettings(Settings):
    """`writes` names the schema of each event that is written in a version above 1."""

    writes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings(Settings):
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_sslmode: str
    database_region: str


@dataclass(frozen=True, kw_only=True)
class PersonalKeysSettings(Settings):
    """`wrapping_key_arn` is the key of KMS that the customers' keys are wrapped with."""

    personal_keys_table: str
    wrapping_key_arn: str


@dataclass(frozen=True, kw_only=True)
class CommandWorkerSettings(WriterSettings):
    """A stream's snapshot is renewed after `snapshot_every` commits; 0: there are none."""

    events_table: str
    snapshots_table: str = ""
    snapshot_every: int = 0


@dataclass(frozen=True, kw_only=True)
class CommandSettings(CommandWorkerSettings, PersonalKeysSettings):
    """What customers send holds personal data; commands from the queue do not."""


@dataclass(frozen=True, kw_only=True)
class ErasureSettings(Settings):
    """Destroys keys without ever having seen one."""

    events_table: str
    personal_keys_table: str


@dataclass(frozen=True, kw_only=True)
class HeartbeatSettings(Settings):
    events_table: str
    log_shards: int


@dataclass(frozen=True, kw_only=True)
class RelaySettings(Settings):
    log_stream: str
    evidence_bucket: str
    parked_table: str


@dataclass(frozen=True, kw_only=True)
class PublisherSettings(WriterSettings):
    events_table: str
    bus_name: str
    parked_table: str


@dataclass(frozen=True, kw_only=True)
class ProjectorSettings(DatabaseSettings):
    events_table: str


@dataclass(frozen=True, kw_only=True)
class QuerySettings(DatabaseSettings, PersonalKeysSettings):
    events_table: str
    log_shards: int


@dataclass(frozen=True, kw_only=True)
class StatusProjectorSettings(Settings):
    events_table: str
    order_status_table: str


@dataclass(frozen=True, kw_only=True)
class StatusSettings(Settings):
    order_status_table: str


@dataclass(frozen=True, kw_only=True)
class OperationsSettings(WriterSettings, DatabaseSettings):
    events_table: str
    bus_name: str
    failures_bucket: str
    parked_table: str
    order_status_table: str


@dataclass(frozen=True, kw_only=True)
class MigrationSettings(Settings):
    database_host: str
    database_port: int
    database_name: str
    database_sslmode: str
    database_secret_arn: str


@dataclass(frozen=True, kw_only=True)
class FulfilmentSettings(WriterSettings):
    shipments_table: str
    bus_name: str


@dataclass(frozen=True, kw_only=True)
class NotifierSettings(Settings):
    notifications_topic_arn: str


@dataclass(frozen=True, kw_only=True)
class LedgerSettings(Settings):
    ledger_bucket: str


@dataclass(frozen=True, kw_only=True)
class AnchorSettings(Settings):
    events_table: str
    anchors_bucket: str


def written_versions(names: Iterable[str], contracts: Path) -> dict[str, int]:
    """The version to write of each named event, by its folder in the contracts folder.

    ["events/internal/order_placed/v3"] → {"events/internal/order_placed": 3}. Raises SettingsError
    naming everything that is no schema of an event, and every event that is named twice.
    """
    versions: dict[str, int] = {}
    faults: list[str] = []
    for name in names:
        found = _EVENT.fullmatch(name)
        if not found or not (contracts / f"{name}.json").is_file():
            faults.append(f"contracts/ has no event {name!r}")
        elif found[1] in versions:
            faults.append(f"{found[1]} is named twice, with v{versions[found[1]]} and v{found[2]}")
        else:
            versions[found[1]] = int(found[2])
    if faults:
        raise SettingsError(f"what is to be written: {', '.join(faults)}")
    return versions


def environment(settings: type[Settings], /, **values: Any) -> dict[str, Any]:
    """The environment of a function that reads `settings`; values are passed through untouched.

    Raises TypeError when a field is missing or unknown, as a constructor would.
    """
    names = {field.name: _has_default(field) for field in fields(settings)}
    missing = sorted(name for name, may in names.items() if not may and name not in values)
    unknown = sorted(values.keys() - names.keys())
    if missing or unknown:
        raise TypeError(f"{settings.__name__}: missing {missing}, unknown {unknown}")
    return {name.upper(): value for name, value in values.items()}
