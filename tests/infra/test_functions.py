"""Each function gets what it reads, runs what was packaged, and has a role and a log of its own."""

import json
import re
from pathlib import Path

import pytest

from infra.deployment import packaged
from reference_service import settings
from reference_service.settings import DatabaseSettings, MigrationSettings, Settings
from reference_service.tables import ORDERS_VERSION
from tests.infra.in_process import ROOT, Program, Resource
from tests.infra.stacks import GIVEN, program

FUNCTION = "lambda/function:Function"
READS: dict[str, type[Settings]] = {
    "command": settings.CommandSettings,
    "command-worker": settings.CommandWorkerSettings,
    "erasure": settings.ErasureSettings,
    "heartbeat": settings.HeartbeatSettings,
    "relay": settings.RelaySettings,
    "publisher": settings.PublisherSettings,
    "projector": settings.ProjectorSettings,
    "catch-up": settings.ProjectorSettings,
    "status-projector": settings.StatusProjectorSettings,
    "query": settings.QuerySettings,
    "status": settings.StatusSettings,
    "operations": settings.OperationsSettings,
    "migration": settings.MigrationSettings,
    "fulfilment": settings.FulfilmentSettings,
    "notifier": settings.NotifierSettings,
    "ledger": settings.LedgerSettings,
    "anchor": settings.AnchorSettings,
}


def variables(function: Resource) -> dict[str, str]:
    found: dict[str, str] = function.inputs["environment"]["variables"]
    return found


def test_the_functions_are_those_of_the_service(topology: Program) -> None:
    assert {f.name for f in topology.of(FUNCTION)} == READS.keys()


def test_environments_satisfy_what_the_functions_read(topology: Program) -> None:
    for function in topology.of(FUNCTION):
        READS[function.name].from_environment(variables(function))


def test_handlers_are_packaged(topology: Program) -> None:
    files = packaged().assets
    for function in topology.of(FUNCTION):
        module, _, name = function.inputs["handler"].rpartition(".")
        path = f"{module.replace('.', '/')}.py"
        assert path in files
        assert f"def {name}(" in (ROOT / path).read_text("utf-8")


def test_the_package_is_the_service_and_its_contracts_and_nothing_compiled() -> None:
    files = packaged().assets
    assert {Path(file).parts[0] for file in files} == {"reference_service", "contracts"}
    assert "contracts/events/internal/order_placed/v1.json" in files
    assert "contracts/envelope/v1.json" in files
    assert "reference_service/aws/migrations/0001_control.sql" in files
    assert not [file for file in files if "__pycache__" in file or file.endswith(".pyc")]


def test_of_the_contracts_only_the_schemas_that_functions_read_are_packaged() -> None:
    packed = {Path(file) for file in packaged().assets if file.startswith("contracts/")}
    folders = {file.parts[1] for file in packed}
    assert folders == {"commands", "envelope", "events", "types"}
    assert all(re.fullmatch(r"v[1-9][0-9]*\.json", file.name) for file in packed)
    assert not [file for file in packed if "examples" in file.parts]
    schemas = {
        path.relative_to(ROOT)
        for folder in folders
        for path in (ROOT / "contracts" / folder).rglob("v*.json")
        if path.parent.name != "examples"
    }
    assert packed == schemas


def test_every_function_has_a_role_of_its_own(topology: Program) -> None:
    roles = [f.inputs["role"] for f in topology.of(FUNCTION)]
    assert len(set(roles)) == len(roles) == len(READS)


def test_every_log_group_ends_what_it_keeps(topology: Program) -> None:
    groups = topology.of("cloudwatch/logGroup:LogGroup")
    assert all(group.inputs["retentionInDays"] > 0 for group in groups)
    kept = {group.inputs["name"] for group in groups}
    for function in topology.of(FUNCTION):
        logging = function.inputs["loggingConfig"]
        assert logging["logFormat"] == "JSON"
        assert logging["logGroup"] == f"/aws/lambda/{function.inputs['name']}" in kept


def test_only_functions_with_a_database_stand_in_the_network(topology: Program) -> None:
    inside = {f.name for f in topology.of(FUNCTION) if "vpcConfig" in f.inputs}
    assert inside == {
        name
        for name, reads in READS.items()
        if issubclass(reads, DatabaseSettings | MigrationSettings)
    }
    for function in topology.of(FUNCTION):
        if "vpcConfig" in function.inputs:
            assert len(set(function.inputs["vpcConfig"]["subnetIds"])) == 2


def test_an_endpoint_reaches_every_function_and_otherwise_none() -> None:
    for function in program("embedded").of(FUNCTION):
        assert variables(function)["AWS_ENDPOINT_URL"] == GIVEN["embedded"]["endpoint"]
    for function in program("prod").of(FUNCTION):
        assert "AWS_ENDPOINT_URL" not in variables(function)


def test_the_dependencies_are_a_layer_where_a_folder_is_given() -> None:
    assert not program("embedded").of("lambda/layerVersion:LayerVersion")
    [layer] = program("prod").of("lambda/layerVersion:LayerVersion")
    for function in program("prod").of(FUNCTION):
        assert function.inputs["layers"] == [layer.outputs["arn"]]


def test_each_database_user_is_the_role_that_migrations_make(topology: Program) -> None:
    folder = ROOT / "reference_service" / "aws" / "migrations"
    migrations = "\n".join(file.read_text("utf-8") for file in sorted(folder.glob("*.sql")))
    for function in topology.of(FUNCTION):
        if user := variables(function).get("DATABASE_USER"):
            assert user == ("projector" if function.name == "catch-up" else function.name)
            assert user in migrations


def test_the_migration_runs_again_when_a_file_or_a_version_changes(
    topology: Program, tmp_path: Path
) -> None:
    from infra.components.read_side import digest_of, migrations

    [invocation] = topology.of("lambda/invocation:Invocation")
    wanted = {"migrations": digest_of(migrations()), "orders": str(ORDERS_VERSION)}
    assert invocation.inputs["triggers"] == wanted
    changed = tmp_path / "0001_control.sql"
    changed.write_bytes(migrations()[0].read_bytes() + b"-- changed\n")
    assert digest_of([changed, *migrations()[1:]]) != digest_of(migrations())


@pytest.mark.parametrize("function", ["command", "query", "status"])
def test_routes_lead_to_their_function(topology: Program, function: str) -> None:
    contract = json.loads((ROOT / "contracts" / "http_api.json").read_text("utf-8"))
    routes = {r["route"] for r in contract["routes"] if r["function"] == function}
    integration = topology.one("apigatewayv2/integration:Integration", function)
    target = f"integrations/{integration.outputs['id']}"
    found = topology.of("apigatewayv2/route:Route")
    assert {r.inputs["routeKey"] for r in found if r.inputs["target"] == target} == routes
    assert integration.inputs["payloadFormatVersion"] == "2.0"
    limit_ms = integration.inputs["timeoutMilliseconds"]
    timeout_s = topology.one(FUNCTION, function).inputs["timeout"]
    assert 1000 * timeout_s < limit_ms <= 30_000, "a function ends before its caller stops waiting"
