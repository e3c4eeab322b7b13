"""Least privilege: who may do what, by the policies that AWS would evaluate."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bitacora.provision.access import Call, role_may
from infra.waivers import MANAGED_POLICIES, WILDCARD_ACTIONS, WILDCARDS
from tests.infra.in_process import Program, Resource

ROLE = "iam/role:Role"
ROLE_POLICY = "iam/rolePolicy:RolePolicy"
CHANGES = (
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "PartiQLInsert",
    "PartiQLUpdate",
    "PartiQLDelete",
    "UpdateTable",
    "DeleteTable",
)


def statements(policy: Resource, key: str = "policy") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(policy.inputs[key])["Statement"]
    return found


def policies(topology: Program) -> Iterator[tuple[Resource, dict[str, Any]]]:
    for resource in topology.resources:
        if resource.type.startswith("aws:") and "policy" in resource.inputs:
            for statement in statements(resource):
                yield resource, statement


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def may(topology: Program, role: Resource, action: str, resource: str) -> bool:
    documents = [
        p.inputs["policy"]
        for p in topology.of(ROLE_POLICY)
        if p.inputs["role"] == role.inputs["name"]
    ]
    return role_may(role.outputs["arn"], Call(action, resource), documents).allowed


def who_may(topology: Program, action: str, resource: str) -> set[str]:
    return {role.name for role in topology.of(ROLE) if may(topology, role, action, resource)}


def test_no_statement_allows_a_wildcard_action(topology: Program) -> None:
    for resource, statement in policies(topology):
        for action in listed(statement["Action"]):
            if statement["Effect"] == "Allow" and "*" in action:
                assert (resource.name, action) in WILDCARD_ACTIONS, f"{resource.name}: {action}"


def test_no_role_may_act_on_any_resource(topology: Program) -> None:
    """What may vary is an object in a named bucket, or a stream in a named log group."""
    for policy in topology.of(ROLE_POLICY):
        for statement in statements(policy):
            for arn in listed(statement["Resource"]):
                named, _, suffix = arn.partition("*")
                if "*" in arn:
                    ending = next(end for end in WILDCARDS if arn.endswith(end))
                    assert named + "*" == arn, f"{policy.name}: {arn}"
                    assert suffix == ""
                    assert topology_has(topology, arn.removesuffix(ending)), f"{policy.name}: {arn}"


def topology_has(topology: Program, arn: str) -> bool:
    return any(r.outputs.get("arn") == arn for r in topology.resources)


def test_only_listed_managed_policies_are_attached(topology: Program) -> None:
    attached = topology.of("iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {a.inputs["policyArn"].rpartition("/")[2] for a in attached} == MANAGED_POLICIES.keys()


def test_a_role_is_assumed_by_one_service(topology: Program) -> None:
    for role in topology.of(ROLE):
        [statement] = statements(role, "assumeRolePolicy")
        assert statement["Action"] == "sts:AssumeRole"
        assert set(statement["Principal"]) == {"Service"}
        assert statement["Principal"]["Service"].endswith(".amazonaws.com")


@pytest.mark.parametrize("action", CHANGES)
def test_no_role_may_change_or_remove_a_commit(topology: Program, action: str) -> None:
    events = topology.one("dynamodb/table:Table", "events").outputs["arn"]
    assert who_may(topology, f"dynamodb:{action}", events) == set()


def test_the_event_store_refuses_changes_from_anybody(topology: Program) -> None:
    [policy] = topology.of("dynamodb/resourcePolicy:ResourcePolicy")
    events = topology.one("dynamodb/table:Table", "events").outputs["arn"]
    assert policy.inputs["resourceArn"] == events
    administrator = "arn:aws:iam::111122223333:role/administrator"
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trusted = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    for action in ("UpdateItem", "DeleteItem", "BatchWriteItem", "PutItem"):
        call = Call(f"dynamodb:{action}", events)
        decision = role_may(administrator, call, [trusted], [policy.inputs["policy"]])
        assert decision.allowed is (action == "PutItem"), action


def test_only_who_executes_commands_and_the_heartbeat_append(topology: Program) -> None:
    events = topology.one("dynamodb/table:Table", "events").outputs["arn"]
    appenders = {"command", "command-worker", "erasure", "heartbeat"}
    assert who_may(topology, "dynamodb:PutItem", events) == appenders


def test_the_heartbeat_touches_the_event_store_and_nothing_else(topology: Program) -> None:
    events = topology.one("dynamodb/table:Table", "events").outputs["arn"]
    (policy,) = [p for p in topology.of(ROLE_POLICY) if p.name == "heartbeat"]
    allowed = {s["Sid"]: (s["Action"], listed(s["Resource"])) for s in statements(policy)}
    assert allowed.keys() == {"WriteLogs", "Append", "KeepUndone"}
    assert allowed["Append"] == (["dynamodb:Query", "dynamodb:PutItem"], [events])


def test_only_what_shows_addresses_opens_them_and_only_erasure_destroys_keys(
    topology: Program,
) -> None:
    table = topology.one("dynamodb/table:Table", "personal-keys").outputs["arn"]
    key = topology.one("kms/key:Key", "personal-keys").outputs["arn"]
    assert who_may(topology, "kms:Decrypt", key) == {"command", "query"}
    assert who_may(topology, "kms:GenerateDataKey", key) == {"command"}
    assert who_may(topology, "dynamodb:GetItem", table) == {"command", "query", "erasure"}
    assert who_may(topology, "dynamodb:PutItem", table) == {"command"}
    assert who_may(topology, "dynamodb:DeleteItem", table) == {"erasure"}
    for action in ("UpdateItem", "BatchWriteItem", "Query", "Scan", "BatchGetItem"):
        assert who_may(topology, f"dynamodb:{action}", table) == set()


def test_only_the_migration_reads_the_master_password(topology: Program) -> None:
    [secret] = topology.one("rds/cluster:Cluster", "read-models").outputs["masterUserSecrets"]
    readers = who_may(topology, "secretsmanager:GetSecretValue", secret["secretArn"])
    assert readers == {"migration"}


@pytest.mark.parametrize("user", ["projector", "query", "operations", "keeper"])
def test_a_function_connects_as_one_database_user_only(topology: Program, user: str) -> None:
    cluster = topology.one("rds/cluster:Cluster", "read-models")
    account = cluster.outputs["arn"].split(":")[3:5]
    id_ = cluster.outputs["clusterResourceId"]
    arn = f"arn:aws:rds-db:{':'.join(account)}:dbuser:{id_}/{user}"
    expected = {
        "projector": {"projector", "catch-up"},
        cluster.inputs["masterUsername"]: set(),
    }.get(user, {user})
    assert who_may(topology, "rds-db:connect", arn) == expected


def test_the_status_is_moved_behind_its_gate_only_and_read_one_at_a_time(
    topology: Program,
) -> None:
    table = topology.one("dynamodb/table:Table", "order-status").outputs["arn"]
    index = f"{table}/index/parked"
    for action in ("UpdateItem", "BatchGetItem"):
        assert who_may(topology, f"dynamodb:{action}", table) == {"status-projector", "operations"}
    assert who_may(topology, "dynamodb:GetItem", table) == {"status"}
    for action in ("PutItem", "DeleteItem", "BatchWriteItem", "Query", "Scan"):
        assert who_may(topology, f"dynamodb:{action}", table) == set(), action
    assert who_may(topology, "dynamodb:Scan", index) == {"operations"}
    status = topology.one(ROLE, "status")
    for other in topology.of("dynamodb/table:Table"):
        own = other.name == "order-status"
        assert may(topology, status, "dynamodb:GetItem", other.outputs["arn"]) is own
        assert not may(topology, status, "dynamodb:Query", other.outputs["arn"])


def test_fulfilment_touches_no_table_of_the_order_service(topology: Program) -> None:
    role = topology.one(ROLE, "fulfilment")
    for table in topology.of("dynamodb/table:Table"):
        own = table.name == "shipments"
        assert may(topology, role, "dynamodb:PutItem", table.outputs["arn"]) is own


def test_only_publishers_of_events_reach_the_bus(topology: Program) -> None:
    bus = topology.one("cloudwatch/eventBus:EventBus", "bus").outputs["arn"]
    assert who_may(topology, "events:PutEvents", bus) == {"publisher", "fulfilment", "operations"}


def test_evidence_can_be_added_and_not_removed(topology: Program) -> None:
    bucket = topology.one("s3/bucket:Bucket", "evidence").outputs["arn"]
    assert who_may(topology, "s3:PutObject", f"{bucket}/any") == {"relay"}
    assert who_may(topology, "s3:DeleteObject", f"{bucket}/any") == set()
    assert who_may(topology, "s3:BypassGovernanceRetention", f"{bucket}/any") == set()


def test_anchors_can_be_added_and_not_removed(topology: Program) -> None:
    bucket = topology.one("s3/bucket:Bucket", "anchors").outputs["arn"]
    assert who_may(topology, "s3:PutObject", f"{bucket}/any") == {"anchor"}
    for action in (
        "DeleteObject",
        "DeleteObjectVersion",
        "BypassGovernanceRetention",
        "PutObjectRetention",
    ):
        assert who_may(topology, f"s3:{action}", f"{bucket}/any") == set()
    for action in ("DeleteBucket", "PutBucketObjectLockConfiguration", "PutLifecycleConfiguration"):
        assert who_may(topology, f"s3:{action}", bucket) == set()


def test_what_anchors_the_event_store_only_reads_it(topology: Program) -> None:
    anchor = topology.one(ROLE, "anchor")
    actions = {
        action
        for policy in topology.of(ROLE_POLICY)
        if policy.inputs["role"] == anchor.inputs["name"]
        for statement in statements(policy)
        for action in statement["Action"]
    }
    assert actions == {
        *("dynamodb:Query", "dynamodb:Scan"),
        *("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
        *("logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"),
    }


def test_statements_of_a_policy_have_names_of_their_own(topology: Program) -> None:
    for policy in topology.of(ROLE_POLICY):
        sids = [statement["Sid"] for statement in statements(policy)]
        assert len(set(sids)) == len(sids), policy.name
