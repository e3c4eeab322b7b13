"""The database door opens for a role that may connect as that user, and for nobody else."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import psycopg
import pytest

from bitacora.embedded import parts
from bitacora.embedded.database_token import Denied, TokenCheck
from bitacora.embedded.environment import Environment

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def port(environment: Environment) -> int:
    """Of a database with the IAM users `projector` and `query`, and the master `admin`."""
    door = environment.state.ports[parts.DOOR_PORT]
    with psycopg.connect(environment.postgres.admin_dsn, autocommit=True) as session:
        session.execute("CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'secret'")
        session.execute("GRANT rds_iam TO admin WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        session.execute("SET ROLE admin")  # who creates a role becomes a member, with ADMIN alone
        session.execute("CREATE ROLE projector LOGIN IN ROLE rds_iam")
        session.execute("CREATE ROLE query LOGIN IN ROLE rds_iam")
    environment.client("rds").create_db_cluster(
        DBClusterIdentifier="door",
        Engine="aurora-postgresql",
        MasterUsername="admin",
        MasterUserPassword="secret-secret",
        Port=door,
    )
    return door


@pytest.fixture(scope="module")
def role(environment: Environment, port: int) -> Callable[[str], str]:
    """role(user) -> ARN of a role that may connect as that database user."""
    (cluster,) = environment.client("rds").describe_db_clusters()["DBClusters"]
    prefix = f"arn:aws:rds-db:us-east-1:000000000000:dbuser:{cluster['DbClusterResourceId']}"

    def make(user: str) -> str:
        iam = environment.client("iam")
        name = f"may-connect-as-{user}"
        try:
            return str(iam.get_role(RoleName=name)["Role"]["Arn"])
        except iam.exceptions.NoSuchEntityException:
            made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        statement = {"Effect": "Allow", "Action": "rds-db:connect", "Resource": f"{prefix}/{user}"}
        iam.put_role_policy(
            RoleName=name,
            PolicyName="connect",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        return str(made["Role"]["Arn"])

    return make


def token(environment: Environment, role_arn: str, port: int, user: str) -> str:
    keys = environment.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="door")
    return str(
        boto3.client(
            "rds",
            region_name="us-east-1",
            aws_access_key_id=keys["Credentials"]["AccessKeyId"],
            aws_secret_access_key=keys["Credentials"]["SecretAccessKey"],
            aws_session_token=keys["Credentials"]["SessionToken"],
        ).generate_db_auth_token("127.0.0.1", port, user)
    )


def connect(port: int, user: str, password: str) -> psycopg.Connection:
    return psycopg.connect(
        host="127.0.0.1", port=port, user=user, password=password, dbname="postgres"
    )


def test_a_role_connects_as_the_user_that_its_policy_names(environment, port, role):
    with connect(port, "projector", token(environment, role("projector"), port, "projector")) as c:
        assert c.execute("SELECT current_user").fetchone() == ("projector",)


def test_a_role_does_not_connect_as_another_user(environment, port, role):
    denied = token(environment, role("query"), port, "projector")
    with pytest.raises(psycopg.OperationalError, match="has no rds-db:connect"):
        connect(port, "projector", denied)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda good: good[:-4] + "0000", "no role's valid signature"),
        (lambda good: good.replace("DBUser=projector", "DBUser=query"), "for user query"),
        (lambda good: good.replace("127.0.0.1:", "127.0.0.1:1"), "not for port"),
        (lambda _: "secret", "no IAM database token"),
    ],
)
def test_a_token_that_is_not_ours_is_refused(environment, port, role, change, reason):
    good = token(environment, role("projector"), port, "projector")
    with pytest.raises(psycopg.OperationalError, match=reason):
        connect(port, "projector", change(good))


def test_a_token_expires(environment, port, role):
    good = token(environment, role("projector"), port, "projector")
    signed = datetime.now(UTC) - timedelta(minutes=16)
    query = dict(part.split("=", 1) for part in good.partition("/?")[2].split("&"))
    old = good.replace(query["X-Amz-Date"], signed.strftime("%Y%m%dT%H%M%SZ"))
    with pytest.raises(Denied, match="expired"):
        TokenCheck(environment.endpoint, port)("projector", old)


def test_root_keys_are_no_role(environment, port):
    rds = environment.client("rds")
    root = rds.generate_db_auth_token("127.0.0.1", port, "projector")
    with pytest.raises(psycopg.OperationalError, match="no role's valid signature"):
        connect(port, "projector", root)


def test_everyone_else_gives_the_password_to_postgres(port):
    with connect(port, "admin", "secret") as session:
        assert session.execute("SELECT current_user").fetchone() == ("admin",)
    for user, password in (("admin", "wrong"), ("admin", ""), ("nobody", "secret")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            connect(port, user, password)


def test_the_superuser_has_no_way_in(port):
    with pytest.raises(psycopg.OperationalError, match="may not connect here"):
        connect(port, "postgres", "")


def test_a_running_statement_can_be_cancelled(port):
    with connect(port, "admin", "secret") as session:
        threading.Timer(0.2, session.cancel).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(20)")
