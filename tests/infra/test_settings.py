"""A stack's configuration is checked before anything is made."""

import json
import re

import pytest
import yaml  # type: ignore[import-untyped]

from infra.settings import OPTIONAL, REQUIRED, SIZES, ConfigError, parse
from tests.infra.in_process import ROOT, run, stack_config
from tests.infra.stacks import GIVEN

VALID = {
    "size": "small",
    "logRetentionDays": "30",
    "jwtIssuer": "https://issuer.example.com/",
    "jwtAudience": '["orders"]',
    "databasePort": "5433",
    "databaseSslmode": "require",
    "deletionProtection": "true",
    "disposable": "false",
    "reconcileMinutes": "15",
    "anchorMinutes": "60",
    "heartbeat": "true",
    "interfaceEndpointZones": "1",
    "snapshotEvery": "0",
    "writes": '["events/internal/order_placed/v3", "events/public/order_confirmed/v2"]',
}


def test_reads_every_key() -> None:
    settings = parse({**VALID, "endpoint": "http://localhost:4566"})
    assert settings.size == SIZES["small"]
    assert settings.jwt_audience == ("orders",)
    assert (settings.database_port, settings.deletion_protection) == (5433, True)
    assert settings.dependencies_layer is None
    assert settings.writes == "events/internal/order_placed/v3,events/public/order_confirmed/v2"


def test_an_event_is_written_in_one_version() -> None:
    names = [f"events/internal/order_placed/v{version}" for version in (2, 3)]
    with pytest.raises(ConfigError, match="order_placed is named twice, with v2 and v3"):
        parse({**VALID, "writes": json.dumps(names)})


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("size", "huge", "one of small, standard"),
        ("logRetentionDays", "31", "one of 1, 3, 5, 7, 14, 30"),
        ("logRetentionDays", "", "one of 1, 3, 5, 7, 14, 30"),
        ("jwtIssuer", "http://issuer.example.com/", "an https URL (http on loopback only)"),
        ("jwtIssuer", "issuer.example.com", "an https URL"),
        ("endpoint", "ftp://localhost:4566", "an https URL (http on loopback only)"),
        ("endpoint", "http://10.0.0.7:4566", "an https URL (http on loopback only)"),
        ("endpoint", "http://[::1", "an https URL (http on loopback only)"),
        ("jwtAudience", "orders", 'a list of names, like ["orders"]'),
        ("jwtAudience", "[]", 'a list of names, like ["orders"]'),
        ("jwtAudience", "[1]", 'a list of names, like ["orders"]'),
        ("databasePort", "80", "a whole number from 1150 to 65535"),
        ("databasePort", "5433.5", "a whole number from 1150 to 65535"),
        ("databasePort", "-5433", "a whole number from 1150 to 65535"),
        ("databaseSslmode", "prefer", "one of disable, require, verify-ca, verify-full"),
        ("deletionProtection", "yes", "one of true, false"),
        ("disposable", "True", "one of true, false"),
        ("reconcileMinutes", "0", "a whole number from 1 to 1440"),
        ("anchorMinutes", "1441", "a whole number from 1 to 1440"),
        ("interfaceEndpointZones", "3", "a whole number from 1 to 2"),
        ("snapshotEvery", "-1", "a whole number from 0 to 100000"),
        ("snapshotEvery", "100001", "a whole number from 0 to 100000"),
        ("writes", "[]", 'a list of names, like ["orders"]'),
        ("writes", '["events/internal/order_placed/v99"]', "events of contracts/, each in one"),
        ("writes", '["commands/place_order/v1"]', "events of contracts/, each in one version"),
    ],
)
def test_names_key_value_and_what_is_allowed(key: str, value: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse({**VALID, key: value})
    assert f"kit:{key} is {value!r}; allowed: {allowed}" in str(refused.value)


def test_names_every_fault_at_once() -> None:
    config = {**VALID, "size": "huge", "reconcileMinutes": "0"}
    del config["jwtIssuer"]
    with pytest.raises(ConfigError) as refused:
        parse(config)
    assert re.findall(r"kit:(\w+) is", str(refused.value)) == [
        "size",
        "jwtIssuer",
        "reconcileMinutes",
    ]


def test_an_unknown_key_is_a_typo_and_not_ignored() -> None:
    with pytest.raises(ConfigError, match=r"kit:endpiont is unknown; did you mean kit:endpoint\?"):
        parse({**VALID, "endpiont": "http://localhost:4566"})


def test_what_is_disposable_cannot_be_protected() -> None:
    with pytest.raises(ConfigError, match="kit:disposable and kit:deletionProtection are both"):
        parse({**VALID, "disposable": "true"})


def test_the_program_refuses_before_it_registers_anything() -> None:
    with pytest.raises(ConfigError, match="kit:reconcileMinutes is '0'"):
        run(stack_config("dev", **GIVEN["dev"], reconcileMinutes="0"), "dev")


def test_a_missing_layer_says_how_to_make_it() -> None:
    with pytest.raises(ConfigError, match=r"kit:dependenciesLayer is 'no/such'.*make layer"):
        run(stack_config("dev", dependenciesLayer="no/such"), "dev")


@pytest.mark.parametrize("stack", ["Dev", "a-stack-with-a-name-of-forty-characters"])
def test_names_that_aws_would_refuse_are_refused_first(stack: str) -> None:
    with pytest.raises(ConfigError, match="allowed: at most 36 of a-z, 0-9 and -"):
        run(stack_config("dev", **GIVEN["dev"]), stack)


def test_pulumi_yaml_describes_every_shared_key() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    shared = {key.removeprefix("kit:") for key in project["config"]}
    assert shared == REQUIRED.keys() - {"jwtIssuer"}
    asked = {key.removeprefix("kit:") for key in project["template"]["config"]}
    assert asked - {"aws:region"} <= REQUIRED.keys() | OPTIONAL.keys()
    assert all(entry["description"] for entry in project["config"].values())


def test_keys_of_another_namespace_carry_values_only() -> None:
    """Pulumi refuses a type or a default for them (sdk/go/common/workspace/project.go)."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    assert all(entry.keys() == {"description", "value"} for entry in project["config"].values())
