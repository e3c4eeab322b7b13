"""RDS clusters: on paper in the emulator, for real on the embedded PostgreSQL.

The emulator invents the master password and keeps it in Secrets Manager; the server gets the same.
"""

import json
from typing import Any

import psycopg
from psycopg import sql

from bitacora.provision.errors import ProvisionError
from bitacora.provision.kinds import Made, New, kind

RENAMED = {
    "clusterIdentifier": "DBClusterIdentifier",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "serverlessv2ScalingConfiguration": "ServerlessV2ScalingConfiguration",
}


@kind("aws:rds/subnetGroup:SubnetGroup")
def subnet_group(new: New) -> Made:
    name, description = new.take("name"), new.take("description", "Managed by Pulumi")
    new.create(
        "rds",
        "CreateDBSubnetGroup",
        DBSubnetGroupName=name,
        DBSubnetGroupDescription=description,
    )
    return Made(name, {"arn": _arn(new, f"subgrp:{name}")})


@kind("aws:rds/cluster:Cluster")
def cluster(new: New) -> Made:
    new.leave("skipFinalSnapshot", "finalSnapshotIdentifier", "applyImmediately")
    made = new.create("rds", "CreateDBCluster", RENAMED)["DBCluster"]
    secret = made["MasterUserSecret"]["SecretArn"] if "MasterUserSecret" in made else None
    if secret is None:
        raise ProvisionError("only manageMasterUserPassword is translated")
    value = new.send("secretsmanager", "GetSecretValue", SecretId=secret)["SecretString"]
    login = json.loads(value)
    _prepare_server(
        new.cloud.database_admin_dsn,
        login["username"],
        login["password"],
        new.inputs.get("databaseName", "postgres"),
    )
    return Made(
        made["DBClusterIdentifier"],
        {
            "arn": made["DBClusterArn"],
            "clusterResourceId": made["DbClusterResourceId"],
            "endpoint": new.cloud.database_host,
            "readerEndpoint": new.cloud.database_host,
            "port": new.cloud.database_port,
            "masterUserSecrets": [{"secretArn": secret, "secretStatus": "active", "kmsKeyId": ""}],
        },
    )


@kind("aws:rds/clusterInstance:ClusterInstance")
def instance(new: New) -> Made:
    identifier = new.take("identifier")
    renamed = {
        "clusterIdentifier": "DBClusterIdentifier",
        "instanceClass": "DBInstanceClass",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
    }
    made = new.create("rds", "CreateDBInstance", renamed, DBInstanceIdentifier=identifier)
    cloud = new.cloud
    return Made(
        identifier,
        {
            "arn": made["DBInstance"]["DBInstanceArn"],
            "endpoint": cloud.database_host,
            "port": cloud.database_port,
        },
    )


def _prepare_server(dsn: str, master: str, password: str, database: str) -> None:
    """What RDS does for a new cluster: the master role, `rds_superuser` and `rds_iam`, a database.

    The roles and the database may be there already: the server outlives the emulator.
    """
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            _make_roles(connection, master, password)
            _make_database(connection, master, database)
    except psycopg.Error as error:
        raise ProvisionError(f"PostgreSQL: {error}") from error


def _make_roles(connection: psycopg.Connection[Any], master: str, password: str) -> None:
    names = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    for role in {"rds_iam", "rds_superuser", master} - names:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    # Hashed here: the server's log may show a statement, never the password.
    hashed = connection.pgconn.encrypt_password(
        password.encode(), master.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
            sql.Identifier(master), sql.Literal(hashed.decode())
        )
    )
    connection.execute(sql.SQL("GRANT rds_superuser TO {}").format(sql.Identifier(master)))
    # The master may grant rds_iam without being a member, who would need a token to log in.
    connection.execute("GRANT rds_iam TO rds_superuser WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")


def _make_database(connection: psycopg.Connection[Any], owner: str, name: str) -> None:
    found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
    if found.rowcount == 0:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(owner)
            )
        )


def _arn(new: New, resource: str) -> str:
    return f"arn:aws:rds:{new.cloud.region}:{new.cloud.account_id}:{resource}"
