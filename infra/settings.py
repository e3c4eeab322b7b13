"""What a stack may configure: the `kit:` keys, each with its allowed values.

Every stack gets the values of Pulumi.yaml under its own Pulumi.<stack>.yaml.
"""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from reference_service.settings import SettingsError, written_versions

NAMESPACE = "kit"
CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827)
SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ConfigError(pulumi.RunError):
    """The stack can't be configured so; the message names each key, its value, what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Capacity of one stack. ACU are Aurora capacity units; 0 lets an idle database pause.

    `queue_concurrency`: batches (2 or more) that are read from one queue at once.
    """

    function_memory_mb: int
    log_shards: int
    database_instances: int
    acu_minimum: float
    acu_maximum: float
    api_requests_per_s: int
    api_burst: int
    query_concurrency: int | None
    queue_concurrency: int


SIZES = {
    "small": Size(
        function_memory_mb=512,
        log_shards=1,
        database_instances=1,
        acu_minimum=0,
        acu_maximum=2,
        api_requests_per_s=500,
        api_burst=500,
        query_concurrency=None,
        queue_concurrency=2,
    ),
    "standard": Size(
        function_memory_mb=1024,
        log_shards=4,
        database_instances=2,
        acu_minimum=0.5,
        acu_maximum=16,
        api_requests_per_s=2000,
        api_burst=4000,
        query_concurrency=100,
        queue_concurrency=5,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`kit:logRetentionDays` is `log_retention_days`, and so on.

    `writes` is as the functions read it: names of schemas with commas between them.
    `snapshot_every` counts commits; 0 is without snapshots.
    """

    size: Size
    log_retention_days: int
    jwt_issuer: str
    jwt_audience: tuple[str, ...]
    database_port: int
    database_sslmode: str
    deletion_protection: bool
    disposable: bool
    reconcile_minutes: int
    anchor_minutes: int
    heartbeat: bool
    interface_endpoint_zones: int
    snapshot_every: int
    writes: str
    endpoint: str | None
    dependencies_layer: Path | None

    @property
    def tls(self) -> bool:
        """Whether AWS is reached over TLS: a TLS-only policy would shut out a plain endpoint."""
        return self.endpoint is None or self.endpoint.startswith("https://")


Parser = Callable[[str], Any]


def choice(allowed: Mapping[str, Any]) -> Parser:
    def parse(text: str) -> Any:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return allowed[text]

    return parse


def whole_number(lowest: int, highest: int) -> Parser:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def url(text: str) -> str:
    """An https URL; plain http only on loopback, where the embedded cloud and LocalStack listen."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    local = host in LOOPBACK or host.endswith(".localstack.cloud")
    if not host or parts.scheme not in (("http", "https") if local else ("https",)):
        raise ValueError("an https URL (http on loopback only)")
    return text


def names(text: str) -> tuple[str, ...]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise ValueError('a list of names, like ["orders"]')
    return tuple(values)


def event_schemas(text: str) -> str:
    """A list of schemas of contracts/, as events are to be written; each event once."""
    written = names(text)
    try:
        written_versions(written, CONTRACTS)
    except SettingsError as fault:
        raise ValueError(f"events of contracts/, each in one version; {fault}") from fault
    return ",".join(written)


REQUIRED: dict[str, Parser] = {
    "size": choice(SIZES),
    "logRetentionDays": choice({str(days): days for days in LOG_RETENTION_DAYS}),
    "jwtIssuer": url,
    "jwtAudience": names,
    # The range of Aurora: 1150 to 65535.
    "databasePort": whole_number(1150, 65535),
    "databaseSslmode": choice({mode: mode for mode in SSL_MODES}),
    "deletionProtection": choice({"true": True, "false": False}),
    "disposable": choice({"true": True, "false": False}),
    "reconcileMinutes": whole_number(1, 1440),
    "anchorMinutes": whole_number(1, 1440),
    "heartbeat": choice({"true": True, "false": False}),
    "interfaceEndpointZones": whole_number(1, 2),
    "snapshotEvery": whole_number(0, 100_000),
    "writes": event_schemas,
}
OPTIONAL: dict[str, Parser] = {"endpoint": url, "dependenciesLayer": Path}


def parse(config: Mapping[str, str]) -> Settings:
    """`config`: Pulumi's texts by key without namespace. Raises ConfigError naming every fault."""
    parsers = REQUIRED | OPTIONAL
    faults: list[str] = []
    values: dict[str, Any] = dict.fromkeys(map(_field, OPTIONAL))
    for key in sorted(config.keys() - parsers.keys()):
        near = difflib.get_close_matches(key, parsers, n=1)
        hint = f"did you mean {NAMESPACE}:{near[0]}?" if near else f"known: {', '.join(parsers)}"
        faults.append(f"{NAMESPACE}:{key} is unknown; {hint}")
    for key, parser in parsers.items():
        if key in config:
            try:
                values[_field(key)] = parser(config[key])
            except ValueError as allowed:
                faults.append(f"{NAMESPACE}:{key} is {config[key]!r}; allowed: {allowed}")
        elif key in REQUIRED:
            faults.append(f"{NAMESPACE}:{key} is missing; pulumi config set {NAMESPACE}:{key} …")
    if values.get("disposable") and values.get("deletion_protection"):
        faults.append(
            f"{NAMESPACE}:disposable and {NAMESPACE}:deletionProtection are both true; "
            "allowed: one of them"
        )
    if faults:
        raise ConfigError("the stack's configuration can't be used:\n  " + "\n  ".join(faults))
    return Settings(**values)


def load() -> Settings:
    """The settings of the running stack. Raises ConfigError."""
    config = pulumi.Config(NAMESPACE)
    prefix = f"{NAMESPACE}:"
    keys = [key for key in {**get_config_env(), **CONFIG.get()} if key.startswith(prefix)]
    return parse(
        {key.removeprefix(prefix): config.require(key.removeprefix(prefix)) for key in keys}
    )


def _field(key: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", key)
