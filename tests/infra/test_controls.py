"""AWS Security Hub's controls, on every resource they are about; what is waived is listed."""

import json
from collections.abc import Callable, Iterable

import pytest

from infra.waivers import ACCOUNT_WIDE, WAIVERS
from tests.infra.in_process import Program, Resource
from tests.infra.stacks import program

Failing = Callable[[Program], Iterable[Resource]]
CONTROLS: dict[str, Failing] = {}


def control(*ids: str) -> Callable[[Failing], Failing]:
    def register(check: Failing) -> Failing:
        CONTROLS.update(dict.fromkeys(ids, check))
        return check

    return register


def without(topology: Program, type_: str, **required: object) -> list[Resource]:
    """Resources of the type whose inputs differ from what is required."""
    found = topology.of(type_)
    assert found, f"the check is about {type_}, of which there is none"
    return [r for r in found if any(r.inputs.get(key) != value for key, value in required.items())]


def unguarded_buckets(
    topology: Program, type_: str, good: Callable[[Resource], bool]
) -> list[Resource]:
    """Buckets without a resource of the type that satisfies `good`."""
    guarded = {r.inputs["bucket"] for r in topology.of(type_) if good(r)}
    return [b for b in topology.of("s3/bucket:Bucket") if b.inputs["bucket"] not in guarded]


def public(resource: Resource, key: str = "policy") -> bool:
    """Whether a policy lets in whoever comes."""
    return any(
        statement["Effect"] == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"})
        for statement in json.loads(resource.inputs[key])["Statement"]
    )


control("DynamoDB.1")(lambda t: without(t, "dynamodb/table:Table", billingMode="PAY_PER_REQUEST"))
control("DynamoDB.2")(
    lambda t: without(t, "dynamodb/table:Table", pointInTimeRecovery={"enabled": True})
)
control("DynamoDB.6")(lambda t: without(t, "dynamodb/table:Table", deletionProtectionEnabled=True))
control("Kinesis.1")(lambda t: without(t, "kinesis/stream:Stream", encryptionType="KMS"))
control("Kinesis.3")(
    lambda t: [s for s in t.of("kinesis/stream:Stream") if s.inputs["retentionPeriod"] < 168]
)
control("SQS.1")(lambda t: without(t, "sqs/queue:Queue", sqsManagedSseEnabled=True))
control("SQS.3")(lambda t: filter(public, t.of("sqs/queuePolicy:QueuePolicy")))
control("SNS.1")(
    lambda t: [topic for topic in t.of("sns/topic:Topic") if "kmsMasterKeyId" not in topic.inputs]
)
control("SNS.4")(lambda t: filter(public, t.of("sns/topicPolicy:TopicPolicy")))
control("EventBridge.3")(
    lambda t: [
        bus
        for bus in t.of("cloudwatch/eventBus:EventBus")
        if bus.inputs["name"]
        not in [p.inputs["eventBusName"] for p in t.of("cloudwatch/eventBusPolicy:EventBusPolicy")]
    ]
)
control("Lambda.1")(
    lambda t: [p for p in t.of("lambda/permission:Permission") if "sourceArn" not in p.inputs]
)
control("Lambda.2")(lambda t: without(t, "lambda/function:Function", runtime="python3.13"))
control("Lambda.5")(
    lambda t: [
        f
        for f in t.of("lambda/function:Function")
        if "vpcConfig" in f.inputs and len(set(f.inputs["vpcConfig"]["subnetIds"])) < 2
    ]
)
control("APIGateway.8")(lambda t: without(t, "apigatewayv2/route:Route", authorizationType="JWT"))
control("APIGateway.9")(
    lambda t: [s for s in t.of("apigatewayv2/stage:Stage") if "accessLogSettings" not in s.inputs]
)
control("RDS.2")(
    lambda t: without(t, "rds/clusterInstance:ClusterInstance", publiclyAccessible=False)
)
control("RDS.6")(lambda t: without(t, "rds/clusterInstance:ClusterInstance", monitoringInterval=60))
control("RDS.7")(lambda t: without(t, "rds/cluster:Cluster", deletionProtection=True))
control("RDS.12")(
    lambda t: without(t, "rds/cluster:Cluster", iamDatabaseAuthenticationEnabled=True)
)
control("RDS.13")(
    lambda t: without(t, "rds/clusterInstance:ClusterInstance", autoMinorVersionUpgrade=True)
)
control("RDS.15")(
    lambda t: (
        t.of("rds/cluster:Cluster") if len(t.of("rds/clusterInstance:ClusterInstance")) < 2 else []
    )
)
control("RDS.16")(lambda t: without(t, "rds/cluster:Cluster", copyTagsToSnapshot=True))
control("RDS.23")(lambda t: [c for c in t.of("rds/cluster:Cluster") if c.inputs["port"] == 5432])
control("RDS.24")(
    lambda t: [
        c
        for c in t.of("rds/cluster:Cluster")
        if c.inputs["masterUsername"] in ("admin", "postgres", "root")
    ]
)
control("RDS.27")(lambda t: without(t, "rds/cluster:Cluster", storageEncrypted=True))
control("RDS.37")(
    lambda t: without(t, "rds/cluster:Cluster", enabledCloudwatchLogsExports=["postgresql"])
)
control("KMS.4")(lambda t: without(t, "kms/key:Key", enableKeyRotation=True))
control("KMS.5")(lambda t: filter(public, t.of("kms/key:Key")))
control("EC2.2")(
    lambda t: [
        g
        for g in t.of("ec2/defaultSecurityGroup:DefaultSecurityGroup")
        if g.inputs.get("ingress") or g.inputs.get("egress")
    ]
)
control("EC2.6")(
    lambda t: [
        v
        for v in t.of("ec2/vpc:Vpc")
        if v.outputs["id"] not in [log.inputs.get("vpcId") for log in t.of("ec2/flowLog:FlowLog")]
    ]
)
control("S3.8")(
    lambda t: unguarded_buckets(
        t,
        "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda block: all(value is True for key, value in block.inputs.items() if key != "bucket"),
    )
)
control("S3.13")(
    lambda t: unguarded_buckets(
        t,
        "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda rules: all(rule["status"] == "Enabled" for rule in rules.inputs["rules"]),
    )
)
control("S3.15")(
    lambda t: unguarded_buckets(
        t,
        "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        lambda lock: lock.inputs["rule"]["defaultRetention"]["days"] > 0,
    )
)
control("S3.17")(
    lambda t: unguarded_buckets(
        t,
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda encryption: all(
            rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
            for rule in encryption.inputs["rules"]
        ),
    )
)


@control("S3.5")
def buckets_open_to_plain_http(topology: Program) -> list[Resource]:
    def tls_only(policy: Resource) -> bool:
        return any(
            statement["Effect"] == "Deny"
            and statement["Principal"] == "*"
            and statement["Action"] == ["s3:*"]
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in json.loads(policy.inputs["policy"])["Statement"]
        )

    return unguarded_buckets(topology, "s3/bucketPolicy:BucketPolicy", tls_only)


@control("IAM.1", "IAM.21", "KMS.1", "KMS.2")
def roles_with_wildcard_actions(topology: Program) -> list[Resource]:
    return [
        policy
        for policy in topology.of("iam/rolePolicy:RolePolicy")
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if any("*" in action for action in statement["Action"])
    ]


LISTED = {
    "DynamoDB": (1, 2, 4, 6),
    "Kinesis": (1, 3),
    "SQS": (1, 3),
    "SNS": (1, 4),
    "EventBridge": (3,),
    "Lambda": (1, 2, 5),
    "APIGateway": (8, 9),
    "RDS": (2, 6, 7, 12, 13, 15, 16, 23, 24, 27, 35, 37, 43),
    "SecretsManager": (1, 4),
    "KMS": (1, 2, 4, 5),
    "EC2": (2, 6, 10),
    "IAM": (1, 21),
    "S3": (1, 5, 8, 13, 15, 17),
}
# What a stack is, as waivers name it.
KINDS = {
    "prod": {""},
    "dev": {"", "disposable", "small"},
    "prod with snapshots": {"", "snapshots"},
}
PROGRAMS = {
    "prod": lambda: program("prod"),
    "dev": lambda: program("dev"),
    "prod with snapshots": lambda: program("prod", snapshotEvery="100"),
}


def test_every_listed_control_is_checked_or_is_not_about_this_program() -> None:
    assert sorted(CONTROLS.keys() | ACCOUNT_WIDE.keys()) == sorted(
        f"{service}.{number}" for service, numbers in LISTED.items() for number in numbers
    )


@pytest.mark.parametrize("stack", KINDS)
@pytest.mark.parametrize("id_", CONTROLS)
def test_control_holds_but_for_what_is_waived(id_: str, stack: str) -> None:
    waived = {w.resource for w in WAIVERS if w.control == id_ and w.when in KINDS[stack]}
    assert {resource.name for resource in CONTROLS[id_](PROGRAMS[stack]())} == waived


def test_secrets_are_made_and_rotated_by_rds(topology: Program) -> None:
    [cluster] = topology.of("rds/cluster:Cluster")
    assert cluster.inputs["manageMasterUserPassword"] is True
    assert "masterPassword" not in cluster.inputs
    assert not [r for r in topology.resources if r.type.startswith("aws:secretsmanager")]
