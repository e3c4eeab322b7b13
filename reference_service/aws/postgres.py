"""Connections to the read side's PostgreSQL: IAM tokens, bounded waits, reconnecting."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import msgspec
import psycopg
from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner
from psycopg import errors
from psycopg.types.json import set_json_loads

from reference_service.cqrs.projection import Unstorable
from reference_service.cqrs.store import Unavailable
from reference_service.settings import DatabaseSettings, MigrationSettings

T = TypeVar("T")
Connect = Callable[[], "psycopg.Connection[Any]"]

CONNECT_TIMEOUT_S = 5
# Deadlocks and serialization failures are undone by the server; at once again mostly works.
ATTEMPTS = 3


def iam_token(host: str, port: int, user: str, region: str, session: Session) -> str:
    """A token for IAM database authentication, valid for 15 minutes, signed locally.

    The same as the SDK's generate_db_auth_token, without loading the model of RDS.
    """
    credentials = session.get_credentials()
    if credentials is None:
        raise Unavailable("no AWS credentials to sign a database token with")
    events = session.get_component("event_emitter")
    signer = RequestSigner(ServiceId("rds-db"), region, "rds-db", "v4", credentials, events)
    request = {
        "method": "GET",
        "url": f"https://{host}:{port}/?Action=connect&DBUser={user}",
        "body": {},
        "headers": {},
        "context": {},
    }
    url: str = signer.generate_presigned_url(
        request, operation_name="connect", region_name=region, expires_in=900, signing_name="rds-db"
    )
    return url.removeprefix("https://")


def iam_connect(settings: DatabaseSettings, wait_s: int = 10) -> Connect:
    """Connections with a new token each.

    `wait_s` bounds a connection, a statement, and the wait for a server that is gone.
    """
    session = Session()
    host, port, user = settings.database_host, settings.database_port, settings.database_user

    def connect() -> "psycopg.Connection[Any]":
        token = iam_token(host, port, user, settings.database_region, session)
        return psycopg.connect(
            host=host,
            port=port,
            user=user,
            password=token,
            dbname=settings.database_name,
            sslmode=settings.database_sslmode,
            autocommit=True,
            connect_timeout=min(wait_s, CONNECT_TIMEOUT_S),
            options=f"-c statement_timeout={wait_s}s -c lock_timeout={wait_s}s",
            tcp_user_timeout=wait_s * 1000,
            keepalives_idle=wait_s,
            keepalives_interval=5,
            keepalives_count=2,
        )

    return connect


def master_connect(settings: MigrationSettings, secrets: Any) -> Connect:
    """Connections as the master user, by its secret; `secrets` is a Secrets Manager client."""

    def connect() -> "psycopg.Connection[Any]":
        secret = secrets.get_secret_value(SecretId=settings.database_secret_arn)
        master = json.loads(secret["SecretString"])
        return psycopg.connect(
            host=settings.database_host,
            port=settings.database_port,
            user=master["username"],
            password=master["password"],
            dbname=settings.database_name,
            sslmode=settings.database_sslmode,
            connect_timeout=CONNECT_TIMEOUT_S,
            autocommit=True,
        )

    return connect


def connect_within(
    connect: Connect,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> "psycopg.Connection[Any]":
    """Connect to a server that may still be starting: a paused Aurora takes about 15 s.

    Raises Unavailable with the last answer.
    """
    deadline = clock() + timeout_s
    while True:
        try:
            return connect()
        except psycopg.OperationalError as fault:
            if clock() >= deadline:
                raise Unavailable(
                    f"no connection in {timeout_s} s: {_first_line(fault)}"
                ) from fault
            pause(1.0)


class Database:
    """One connection, kept between invocations and replaced when it is lost."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None

    def transaction(self, work: "Callable[[psycopg.Connection[Any]], T]") -> T:
        """Run `work` in one transaction, again when the server undid it.

        Raises Unavailable for a transient fault, Unstorable for values the tables can't take.
        `work` may run several times.
        """
        return self._answered(work, _in_transaction)

    def read(self, work: "Callable[[psycopg.Connection[Any]], T]") -> T:
        """Run `work`, each statement of which sees its own moment. Raises as `transaction`."""
        return self._answered(work, lambda _: nullcontext())

    def _answered(
        self,
        work: "Callable[[psycopg.Connection[Any]], T]",
        around: "Callable[[psycopg.Connection[Any]], AbstractContextManager[Any]]",
    ) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            fresh = self._connection is None
            try:
                connection = self._open()
                with around(connection):
                    return work(connection)
            except (errors.DeadlockDetected, errors.SerializationFailure) as fault:
                last: Exception = fault
            except (psycopg.OperationalError, psycopg.InterfaceError) as fault:
                self._close()
                last = fault
                # A kept connection may have died while the function slept; a new one tells.
                if fresh or attempt == ATTEMPTS:
                    break
            except (errors.UndefinedTable, errors.InvalidSchemaName) as fault:
                # Not migrated yet, or a generation of tables that was replaced and dropped.
                raise Unavailable(f"the read side's tables: {_first_line(fault)}") from fault
            except (psycopg.DataError, psycopg.IntegrityError) as fault:
                raise Unstorable(_first_line(fault)) from fault
        raise Unavailable(f"the read side's database: {_first_line(last)}") from last

    def _open(self) -> "psycopg.Connection[Any]":
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            # An order's lines and address are read with each row: json.loads takes much longer.
            set_json_loads(msgspec.json.decode, self._connection)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _in_transaction(connection: "psycopg.Connection[Any]") -> "AbstractContextManager[Any]":
    return connection.transaction()


def _first_line(error: Exception) -> str:
    """Only that: the lines below may quote values."""
    return str(error).partition("\n")[0]
