"""The kit's own program, brought up on a whole environment."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bitacora.embedded import fingerprint
from bitacora.embedded.environment import PROJECT, Environment, Ready
from bitacora.embedded.provisioning import DONE_FILE
from tests.homes import temporary_home


@dataclass(frozen=True)
class Topology:
    environment: Environment
    first: Ready


@contextmanager
def opened() -> Iterator[set[Path]]:
    """Every file that this process opens meanwhile."""
    paths: set[Path] = set()
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:  # there is no way to end an audit
        if watching and event == "open" and isinstance(arguments[0], str | Path):
            paths.add(Path(arguments[0]).resolve())

    sys.addaudithook(watch)
    try:
        yield paths
    finally:
        watching = False


@pytest.fixture(scope="module")
def topology() -> Iterator[Topology]:
    with temporary_home() as home:
        environment = Environment(home)
        yield Topology(environment, environment.start())


def test_everything_is_made_once(topology: Topology) -> None:
    made = topology.first.provisioned
    assert {change.action for change in made.changed} == {"created"}
    aws = {type_: count for type_, count in made.resources.items() if type_.startswith("aws:")}
    assert sum(aws.values()) == len(made.changed)
    assert aws["aws:lambda/function:Function"] == len(made.exports["functions"])
    again = topology.environment.start().provisioned
    assert (again.changed, again.exports, again.resources) == ([], made.exports, made.resources)


def test_what_the_program_reads_decides_whether_it_runs_again(topology: Topology) -> None:
    environment, made = topology.environment, topology.first.provisioned
    (environment.home / DONE_FILE).unlink()
    with opened() as paths:
        again = environment.start().provisioned
    assert (again.changed, again.exports, again.resources) == ([], made.exports, made.resources)
    read = {path for path in paths if path.is_relative_to(PROJECT) and path.suffix != ".pyc"}
    inside = {path for path in read if ".venv" not in path.parts and path.is_file()}
    assert PROJECT / "infra/__main__.py" in inside
    assert inside <= set(fingerprint.files(PROJECT))


@pytest.mark.parametrize("broken", ["{", "[]", '{"fingerprint": 1}'])
def test_a_note_of_the_last_run_that_is_none_only_costs_a_run(
    topology: Topology, broken: str
) -> None:
    (topology.environment.home / DONE_FILE).write_text(broken)
    assert topology.environment.start().provisioned.changed == []


def test_the_exported_functions_tables_and_queues_are_there(topology: Topology) -> None:
    client, exports = topology.environment.client, topology.environment.outputs
    for name in exports["functions"].values():
        configuration = client("lambda").get_function_configuration(FunctionName=name)
        assert configuration["State"] == "Active"
    for table in ("events_table", "parked_table", "shipments_table", "order_status_table"):
        described = client("dynamodb").describe_table(TableName=exports[table])
        assert described["Table"]["TableStatus"] == "ACTIVE"
    [index] = described["Table"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "parked"
    assert index["Projection"] == {
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["reason", "since"],
    }
    for url in exports["queues"].values():
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        assert "RedrivePolicy" in attributes["Attributes"]


def test_streams_are_read_by_the_delivery_engine_and_queues_by_the_emulator(
    topology: Topology,
) -> None:
    environment = topology.environment
    streams = {mapping["function"].split(":")[-1] for mapping in environment.delivery.mappings()}
    prefix = environment.outputs["prefix"]
    readers = ("relay", "publisher", "projector", "catch-up", "status-projector", "erasure")
    assert streams == {f"{prefix}-{key}" for key in readers}
    mappings = environment.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert {mapping["EventSourceArn"].split(":")[2] for mapping in mappings} == {"sqs"}


def test_the_api_answers_on_loopback_and_wants_a_token(topology: Topology) -> None:
    url = topology.environment.outputs["api_url"]
    assert url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{url}/orders", timeout=10)
    assert error.value.code == 401


def test_the_database_has_the_master_that_rds_would_make(topology: Topology) -> None:
    environment = topology.environment
    database = environment.outputs["database"]
    [cluster] = environment.client("rds").describe_db_clusters()["DBClusters"]
    secret = environment.client("secretsmanager").get_secret_value(
        SecretId=cluster["MasterUserSecret"]["SecretArn"]
    )
    login = json.loads(secret["SecretString"])
    with psycopg.connect(
        host=database["host"],
        port=database["port"],
        dbname=database["name"],
        user=login["username"],
        password=login["password"],
        sslmode="disable",
    ) as connection:
        answer = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert answer.fetchone() == (False, True, True)


def test_the_masters_password_is_nowhere_on_disk(topology: Topology) -> None:
    environment = topology.environment
    [cluster] = environment.client("rds").describe_db_clusters()["DBClusters"]
    secret = environment.client("secretsmanager").get_secret_value(
        SecretId=cluster["MasterUserSecret"]["SecretArn"]
    )
    password = json.loads(secret["SecretString"])["password"].encode()
    logs = environment.home.glob("log/*.log")
    for path in (environment.home / "resources.jsonl", environment.home / "outputs.json", *logs):
        assert password not in path.read_bytes(), path
