"""Where resources are made: the endpoint of the emulator, the database and the delivery engine."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import boto3
from botocore.config import Config

SETTINGS = Config(
    # Requests are validated by bitacora.provision.validation, more strictly.
    parameter_validation=False,
    # A lost answer repeated would say "exists already", or invoke a function twice.
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=16,
    s3={"addressing_style": "path"},
)
# An invocation answers when the function has: after 900 s at most.
INVOKING = SETTINGS.merge(Config(read_timeout=910))


class Delivery(Protocol):
    """Event source mappings for DynamoDB Streams and Kinesis, by their id."""

    def put_mapping(self, uuid: str, request: Mapping[str, Any]) -> object:
        """Create or change a mapping. `request` is Lambda's CreateEventSourceMapping request."""


@dataclass(frozen=True)
class Cloud:
    """`database_host` and `database_port` are told to functions; the engine itself uses the DSN."""

    endpoint: str
    database_admin_dsn: str
    database_host: str
    database_port: int
    delivery: Delivery
    region: str = "us-east-1"
    account_id: str = "000000000000"
    access_key: str = "test"
    secret_key: str = field(default="test", repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """One boto3 client per service: making one costs more than most calls."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoint,
                    region_name=self.region,
                    aws_access_key_id=self.access_key,
                    aws_secret_access_key=self.secret_key,
                    config=INVOKING if service == "lambda" else SETTINGS,
                )
            return self._clients[service]
