"""Read models: the projector feeds them from the log, the query function answers from them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.database import Database
from infra.components.event_sources import (
    may_keep_failed_batches,
    may_read_kinesis_stream,
    read_stream,
)
from infra.components.event_store import EventStore
from infra.components.failures import Failures
from infra.components.network import Network
from infra.components.ordered_log import OrderedLog
from infra.components.personal_keys import PersonalKeys
from infra.components.service_function import ServiceFunction, ServiceFunctionArgs
from infra.deployment import ROOT, Deployment
from infra.policies import allow
from reference_service.settings import (
    MigrationSettings,
    ProjectorSettings,
    QuerySettings,
    environment,
)
from reference_service.tables import ORDERS_VERSION


@dataclass(frozen=True)
class ReadSideArgs:
    deployment: Deployment
    network: Network
    database: Database
    event_store: EventStore
    ordered_log: OrderedLog
    failures: Failures
    personal_keys: PersonalKeys


class ReadSide(Capability):
    """Functions: projector, catch-up, query, migration.

    Attribute: migrated, done when the tables are.
    """

    def __init__(
        self, name: str, args: ReadSideArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:ReadSide", name, None, opts)
        self.args, self.child = args, pulumi.ResourceOptions(parent=self)
        self.migration = self._migration()
        self.migrated = self._migrate()
        self.query = self._query()
        self.stream_readers = [self._projector("projector"), self._projector("catch-up")]
        self.functions = [*self.stream_readers, self.query, self.migration]
        for reader in self.stream_readers:
            read_stream(
                reader,
                source_arn=args.ordered_log.stream_arn,
                failures_arn=args.failures.bucket.arn,
                batch_size=100,
                depends_on=[self.migrated],
            )
        self.register_outputs({})

    def _migration(self) -> ServiceFunction:
        database = self.args.database
        secret = allow("ReadSecret", ["secretsmanager:GetSecretValue"], database.secret_arn)
        return ServiceFunction(
            "migration",
            ServiceFunctionArgs(
                deployment=self.args.deployment,
                key="migration",
                timeout_s=300,
                placement=self.args.network.functions,
                environment=environment(
                    MigrationSettings,
                    database_host=database.host,
                    database_port=database.port.apply(str),
                    database_name=database.name,
                    database_sslmode=self.args.deployment.settings.database_sslmode,
                    database_secret_arn=database.secret_arn,
                ),
                statements=[secret],
            ),
            self.child,
        )

    def _migrate(self) -> aws.lambda_.Invocation:
        """Anew with each new file, and with each new version of the tables, which it prepares."""
        wanted = {"migrations": digest_of(migrations()), "orders": str(ORDERS_VERSION)}
        return aws.lambda_.Invocation(
            "migrate",
            function_name=self.migration.name,
            input=pulumi.Output.json_dumps(wanted),
            triggers=wanted,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*self.args.database.instances, self.args.network]
            ),
        )

    def _query(self) -> ServiceFunction:
        return ServiceFunction(
            "query",
            ServiceFunctionArgs(
                deployment=self.args.deployment,
                key="query",
                timeout_s=10,
                placement=self.args.network.functions,
                concurrency=self.args.deployment.settings.size.query_concurrency,
                environment=environment(
                    QuerySettings,
                    log_shards=str(self.args.deployment.settings.size.log_shards),
                    **self._reads("query"),
                    **self.args.personal_keys.environment(),
                ),
                statements=[
                    self.args.event_store.read(),
                    self.args.database.connect_as("query"),
                    *self.args.personal_keys.open(),
                ],
            ),
            self.child,
        )

    def _projector(self, key: str) -> ServiceFunction:
        """Of the live tables, and of those that a rebuild makes: the same role in the database."""
        return ServiceFunction(
            key,
            ServiceFunctionArgs(
                deployment=self.args.deployment,
                key=key,
                timeout_s=60,
                placement=self.args.network.functions,
                environment=environment(ProjectorSettings, **self._reads("projector")),
                statements=[
                    may_read_kinesis_stream(self.args.ordered_log.stream_arn),
                    self.args.event_store.read(),
                    self.args.database.connect_as("projector"),
                    *may_keep_failed_batches(self.args.failures.bucket.arn),
                ],
            ),
            self.child,
        )

    def _reads(self, user: str) -> dict[str, Any]:
        return {
            "events_table": self.args.event_store.table_name,
            **database_environment(self.args.deployment, self.args.database, user),
        }


def database_environment(deployment: Deployment, database: Database, user: str) -> dict[str, Any]:
    """What a function needs to sign a token and connect as `user`."""
    return {
        "database_host": database.host,
        "database_port": database.port.apply(str),
        "database_name": database.name,
        "database_user": user,
        "database_sslmode": deployment.settings.database_sslmode,
        "database_region": deployment.region,
    }


def migrations() -> list[Path]:
    """What the migration function applies. Raises FileNotFoundError when there is nothing."""
    folder = ROOT / "reference_service" / "aws" / "migrations"
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise FileNotFoundError(f"no migrations in {folder}")
    return files


def digest_of(files: list[Path]) -> str:
    """Changes with the name or content of any file."""
    whole = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        whole.update(f"{file.name}\n{len(content)}\n".encode() + content)
    return whole.hexdigest()
