"""An environment on this machine, for the command line, tests, scenarios and load runs.

with Environment(home) as environment:
    environment.client("dynamodb").scan(TableName=environment.outputs["events_table"])
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from bitacora.embedded import (
    control,
    issuer,
    lifecycle,
    parts,
    processes,
    provisioning,
    state,
    status,
)
from bitacora.embedded.problem import Problem
from bitacora.embedded.state import State

if TYPE_CHECKING:
    from bitacora.delivery.client import DeliveryClient

PROJECT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
TOKEN_TTL_S = 8 * 3600


class Progress(Protocol):
    """Where `start` tells what it does."""

    def step(self, text: str) -> None:
        """A step begins."""

    def resource(self, text: str) -> None:
        """A resource was made or changed."""


class Silent:
    """Progress that nobody reads."""

    def step(self, text: str) -> None: ...

    def resource(self, text: str) -> None: ...


@dataclass(frozen=True)
class Ready:
    """How `start` went. `timings_s`: phase -> seconds, "ready" is the whole."""

    started: lifecycle.Started
    provisioned: provisioning.Provisioned
    timings_s: dict[str, float]


@dataclass(frozen=True)
class PostgresControl:
    """Stop and start the database of a running environment, as a failure or a maintenance would."""

    environment: "Environment"

    @property
    def admin_dsn(self) -> str:
        """libpq connection string of the superuser, over the unix socket."""
        return parts.postgres(self.environment.home, self.environment.state).admin_dsn

    def stop(self) -> None:
        self.environment.control(parts.POSTGRES, "stop")

    def kill(self) -> None:
        self.environment.control(parts.POSTGRES, "kill")

    def start(self) -> None:
        self.environment.control(parts.POSTGRES, "start")


@dataclass
class Environment:
    """One environment in `home`. Every method may raise Problem, which tells what to do.

    `config` overrides values of the program's configuration: {"kit:endpoint": …} puts something
    between the functions and the emulator.
    """

    home: Path
    project: Path = PROJECT
    config: Mapping[str, str] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.home = self.home.resolve()

    def start(self, progress: Progress | None = None) -> Ready:
        """Start or recover every part and provision the program; returns when all is ready."""
        progress = progress or Silent()
        timings = _Timings()
        # The configuration is read first: a wrong file must not cost a start.
        provisioning.declared(self.project)
        importing = threading.Thread(target=_import_engine, daemon=True)
        if first := not provisioning.is_provisioned(self.home):
            importing.start()
        with lifecycle.exclusive(self.home):
            with timings.phase("processes"):
                started = lifecycle.start(self.home, progress.step)
            if first:  # pulumi-aws loads its modules on first use, one thread at a time
                importing.join()
            progress.step("provisioning infra/")
            with timings.phase("provision"):
                provisioned = provisioning.apply(
                    self.home,
                    self.project,
                    started.state,
                    self.delivery,
                    lambda change: progress.resource(
                        f"{change.action} {change.type} {change.name}"
                    ),
                    self.config,
                )
        return Ready(started, provisioned, timings.so_far())

    def stop(self, *, purge: bool = False) -> int:
        """End all its processes and nothing else; returns how many. `purge` deletes its state."""
        self._clients.clear()
        if not self.home.exists():
            if not processes.of_home(self.home):
                return 0
            purge = True  # somebody deleted the folder of a running environment
        with lifecycle.exclusive(self.home):
            return lifecycle.stop(self.home, purge=purge)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def status(self) -> status.Status:
        """What runs, since when, with how much memory."""
        return status.read(self.home)

    @property
    def state(self) -> State:
        """Ports, tokens and processes as recorded."""
        recorded = state.read(self.home)
        if recorded is None or recorded.phase == "stopped":
            raise Problem(f"No environment runs in {self.home}.", "Run `bitacora up`.")
        return recorded

    @property
    def outputs(self) -> dict[str, Any]:
        """What the program exported."""
        return provisioning.outputs(self.home)

    @property
    def endpoint(self) -> str:
        """Where the emulator answers. Raises Problem when its process has ended."""
        recorded = self.state
        if not processes.find(recorded.parts[parts.MINISTACK]):
            raise Problem("MiniStack does not run.", "`bitacora status` tells more.")
        return parts.endpoint(recorded)

    @property
    def delivery(self) -> "DeliveryClient":
        """The delivery engine's control."""
        from bitacora.delivery.client import DeliveryClient

        recorded = self.state
        return DeliveryClient(parts.delivery_url(recorded), recorded.delivery_token)

    @property
    def postgres(self) -> PostgresControl:
        """Stop and start PostgreSQL."""
        return PostgresControl(self)

    def control(self, part: str, action: str) -> None:
        """Have the supervisor start, stop or kill a part."""
        recorded = self.state
        control.call(parts.issuer_url(recorded), recorded.control_token, part, action)

    def client(self, service: str) -> Any:
        """A boto3 client with the emulator's root keys, one per service."""
        if service not in self._clients:
            import boto3
            from botocore.config import Config

            self._clients[service] = boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 3},
                    connect_timeout=5,
                    read_timeout=70,
                    s3={"addressing_style": "path"},
                ),
            )
        return self._clients[service]

    def token(self, subject: str, *, ttl_s: int = TOKEN_TTL_S, scope: str = "") -> str:
        """A bearer token for the API: a customer's, or with a scope one of staff."""
        recorded = self.state
        return issuer.token(
            self.home,
            parts.issuer_url(recorded),
            subject=subject,
            audience=provisioning.audience(self.project),
            issued_at_s=int(time.time()),
            ttl_s=ttl_s,
            scope=scope,
        )


class _Timings:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._phases: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self._phases[name] = round(time.monotonic() - began, 3)

    def so_far(self) -> dict[str, float]:
        return {**self._phases, "ready": round(time.monotonic() - self._began, 3)}


def _import_engine() -> None:
    """While the processes start: the Pulumi SDK and the largest module of pulumi-aws take more than
    two seconds to import."""
    import pulumi_aws

    import bitacora.provision.engine  # noqa: F401

    _ = pulumi_aws.ec2.Vpc
