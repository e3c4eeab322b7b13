"""Aurora PostgreSQL for the read models: private, encrypted, entered with IAM tokens."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.capability import Capability
from infra.components.network import Network
from infra.deployment import Deployment
from infra.policies import Statement, allow, trusting

# The major version alone: Aurora upgrades minor ones by itself, and going back would be refused.
# From 17 on it turns away connections without TLS by default (rds.force_ssl).
ENGINE_VERSION = "17"
DATABASE = "orders"
MONITORING_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
MONITORING_INTERVAL_S = 60
BACKUP_DAYS = 14
INSIGHTS_DAYS = 7


@dataclass(frozen=True)
class DatabaseArgs:
    deployment: Deployment
    network: Network


class Database(Capability):
    """Outputs: host, port, name, cluster_arn, resource_id, secret_arn. Attribute: instances."""

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:Database", name, None, opts)
        self.deployment, self.child = args.deployment, pulumi.ResourceOptions(parent=self)
        self.cluster = self._cluster(args.network)
        self.instances = self._instances()
        self.host, self.port = self.cluster.endpoint, self.cluster.port
        self.name, self.cluster_arn = self.cluster.database_name, self.cluster.arn
        self.resource_id = self.cluster.cluster_resource_id
        self.secret_arn = self.cluster.master_user_secrets[0].secret_arn
        self.exports = {
            "database": {
                "host": self.host,
                "port": self.port,
                "name": self.name,
                "cluster_arn": self.cluster_arn,
                "resource_id": self.resource_id,
            }
        }
        self.register_outputs({**self.exports, "secret_arn": self.secret_arn})

    def connect_as(self, user: str) -> Statement:
        """A token for one PostgreSQL role.

        https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
        """
        arn = self.resource_id.apply(
            lambda id_: self.deployment.arn("rds-db", f"dbuser:{id_}/{user}")
        )
        return allow("ConnectToDatabase", ["rds-db:connect"], arn)

    def _cluster(self, network: Network) -> aws.rds.Cluster:
        deployment, settings = self.deployment, self.deployment.settings
        identifier = deployment.name("read-models")
        subnets = aws.rds.SubnetGroup(
            "read-models", name=identifier, subnet_ids=network.subnet_ids, opts=self.child
        )
        postgresql_log = aws.cloudwatch.LogGroup(
            "postgresql",
            name=f"/aws/rds/cluster/{identifier}/postgresql",
            retention_in_days=settings.log_retention_days,
            opts=self.child,
        )
        return aws.rds.Cluster(
            "read-models",
            cluster_identifier=identifier,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            engine_mode=aws.rds.EngineMode.PROVISIONED,
            engine_version=ENGINE_VERSION,
            database_name=DATABASE,
            port=settings.database_port,
            master_username="keeper",
            manage_master_user_password=True,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            serverlessv2_scaling_configuration={
                "min_capacity": settings.size.acu_minimum,
                "max_capacity": settings.size.acu_maximum,
            },
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[network.database_group_id],
            backup_retention_period=BACKUP_DAYS,
            copy_tags_to_snapshot=True,
            deletion_protection=settings.deletion_protection,
            skip_final_snapshot=settings.disposable,
            final_snapshot_identifier=None if settings.disposable else f"{identifier}-final",
            enabled_cloudwatch_logs_exports=["postgresql"],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[postgresql_log],
                protect=settings.deletion_protection,
            ),
        )

    def _instances(self) -> list[aws.rds.ClusterInstance]:
        name = self.deployment.name("rds-monitoring")
        role = aws.iam.Role(
            "rds-monitoring",
            name=name,
            assume_role_policy=trusting("monitoring.rds.amazonaws.com"),
            opts=self.child,
        )
        monitoring = aws.iam.RolePolicyAttachment(
            "rds-monitoring", role=role.name, policy_arn=MONITORING_POLICY, opts=self.child
        )
        return [
            aws.rds.ClusterInstance(
                f"read-models-{n}",
                identifier=self.deployment.name(f"read-models-{n}"),
                cluster_identifier=self.cluster.id,
                engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                instance_class="db.serverless",
                publicly_accessible=False,
                auto_minor_version_upgrade=True,
                copy_tags_to_snapshot=True,
                performance_insights_enabled=True,
                performance_insights_retention_period=INSIGHTS_DAYS,
                monitoring_interval=MONITORING_INTERVAL_S,
                monitoring_role_arn=role.arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[monitoring]),
            )
            for n in range(self.deployment.settings.size.database_instances)
        ]
