"""What the program registers as a whole: names, parents, protection, alarms, exports."""

import pytest

from tests.infra.in_process import Program, run, stack_config
from tests.infra.stacks import GIVEN, program

EXPORTS = {
    "disposable",
    "prefix",
    "api_url",
    "events_table",
    "events_stream_arn",
    "evidence_bucket",
    "log_stream",
    "bus_name",
    "topic_arn",
    "notifications_topic_arn",
    "ledger_bucket",
    "anchors_bucket",
    "failures_bucket",
    "parked_table",
    "order_status_table",
    "personal_keys_table",
    "shipments_table",
    "queues",
    "dead_letters",
    "functions",
    "database",
}
# Inputs that name a resource in its account; names inside of another resource are free.
NAMED_BY = {
    "dynamodb/table:Table": "name",
    "kinesis/stream:Stream": "name",
    "sqs/queue:Queue": "name",
    "sns/topic:Topic": "name",
    "lambda/function:Function": "name",
    "lambda/layerVersion:LayerVersion": "layerName",
    "iam/role:Role": "name",
    "s3/bucket:Bucket": "bucket",
    "cloudwatch/eventBus:EventBus": "name",
    "cloudwatch/eventRule:EventRule": "name",
    "cloudwatch/eventArchive:EventArchive": "name",
    "cloudwatch/metricAlarm:MetricAlarm": "name",
    "cloudwatch/dashboard:Dashboard": "dashboardName",
    "rds/cluster:Cluster": "clusterIdentifier",
    "rds/clusterInstance:ClusterInstance": "identifier",
    "rds/subnetGroup:SubnetGroup": "name",
    "apigatewayv2/api:Api": "name",
    "ec2/securityGroup:SecurityGroup": "name",
}

READERS = ("relay", "publisher", "projector", "catch-up", "status-projector", "erasure")


def test_exports_what_the_tools_read(topology: Program) -> None:
    assert topology.exports.keys() == EXPORTS
    assert len(topology.exports["functions"]) == 17
    assert sorted(topology.exports["queues"]) == [
        "failed-batches",
        "fulfilment",
        "ledger",
        "notification",
        "order-commands",
    ]
    assert not [name for name, value in topology.exports.items() if value is None]
    assert not [key for key, value in topology.exports["database"].items() if value is None]


def test_every_name_begins_with_project_and_stack(topology: Program) -> None:
    prefix = topology.exports["prefix"]
    for type_, key in NAMED_BY.items():
        for resource in topology.of(type_):
            assert resource.inputs[key].startswith(prefix), f"{type_} {resource.name}"


def test_every_resource_stands_in_a_component(topology: Program) -> None:
    for resource in topology.resources:
        if resource.type.startswith("aws:") and not resource.type.endswith(":LayerVersion"):
            assert "kit:index:" in resource.parent, resource.urn


def test_data_is_protected_where_the_stack_is_kept() -> None:
    kept = [r.name for r in program("prod").resources if r.protect]
    assert sorted(kept) == [
        "events",
        "order-status",
        "parked",
        "personal-keys",
        "personal-keys",
        "read-models",
        "shipments",
    ]
    assert not [r.name for r in program("dev").resources if r.protect]


def test_a_disposable_stack_can_be_destroyed_and_a_kept_one_leaves_a_snapshot() -> None:
    [dev] = program("dev").of("rds/cluster:Cluster")
    [prod] = program("prod").of("rds/cluster:Cluster")
    assert dev.inputs["skipFinalSnapshot"] is True
    assert prod.inputs["skipFinalSnapshot"] is False
    assert prod.inputs["finalSnapshotIdentifier"]
    assert all(bucket.inputs["forceDestroy"] for bucket in program("dev").of("s3/bucket:Bucket"))
    assert not any(b.inputs["forceDestroy"] for b in program("prod").of("s3/bucket:Bucket"))


def test_alarms_watch_every_function_reader_and_dead_letter_queue(topology: Program) -> None:
    [alarms] = [t for t in topology.of("sns/topic:Topic") if t.name == "alarms"]
    watched = set()
    for alarm in topology.of("cloudwatch/metricAlarm:MetricAlarm"):
        assert alarm.inputs["alarmActions"] == [alarms.outputs["arn"]]
        silent = alarm.name == "anchors-missing" or alarm.inputs["metricName"] == "HeartbeatLag_ms"
        assert alarm.inputs["treatMissingData"] == ("breaching" if silent else "notBreaching")
        watched.add((alarm.inputs["metricName"], *sorted(alarm.inputs["dimensions"].values())))
    functions = [f.inputs["name"] for f in topology.of("lambda/function:Function")]
    letters = [q.inputs["name"] for q in topology.of("sqs/queue:Queue") if q.name.endswith("-dlq")]
    readers = [topology.exports["functions"][key] for key in READERS]
    depth = "ApproximateNumberOfMessagesVisible"
    projector = topology.exports["functions"]["projector"]
    shards = int(topology.one("kinesis/stream:Stream", "log").inputs["shardCount"])
    if topology.one("cloudwatch/eventRule:EventRule", "heartbeat").inputs["state"] == "DISABLED":
        shards = 0
    assert watched == {
        *(("Errors", name) for name in functions),
        *(("IteratorAge", name) for name in readers),
        *((depth, name) for name in letters),
        *(("Parked", name) for name in readers),
        ("Alterations", topology.exports["functions"]["relay"]),
        ("Anchors", topology.exports["functions"]["anchor"]),
        *(("HeartbeatLag_ms", str(shard), projector) for shard in range(shards)),
    }


def test_a_database_that_is_to_pause_is_not_kept_awake_by_heartbeats() -> None:
    for stack, state in (("dev", "DISABLED"), ("prod", "ENABLED"), ("embedded", "ENABLED")):
        rule = program(stack).one("cloudwatch/eventRule:EventRule", "heartbeat")
        assert rule.inputs["state"] == state


@pytest.mark.parametrize(("minutes", "period_s"), [("1", 3600), ("60", 3600), ("1440", 86_400)])
def test_somebody_is_called_when_no_anchor_was_completed_for_three_periods(
    minutes: str, period_s: int
) -> None:
    topology = run(stack_config("dev", **GIVEN["dev"], anchorMinutes=minutes), "dev")
    alarm = topology.one("cloudwatch/metricAlarm:MetricAlarm", "anchors-missing").inputs
    assert (alarm["period"], alarm["evaluationPeriods"]) == (period_s, 3)
    assert (alarm["statistic"], alarm["comparisonOperator"]) == ("Sum", "LessThanThreshold")
    assert alarm["threshold"] == 1
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert alarm["period"] * alarm["evaluationPeriods"] <= 7 * 86_400


def test_anchors_of_a_stack_that_is_kept_can_be_removed_by_nobody() -> None:
    for stack, mode in (("prod", "COMPLIANCE"), ("dev", "GOVERNANCE")):
        lock = program(stack).one(
            "s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "anchors"
        )
        assert lock.inputs["rule"]["defaultRetention"]["mode"] == mode
        assert program(stack).one("s3/bucket:Bucket", "anchors").inputs["objectLockEnabled"] is True


def test_every_head_is_locked_at_any_time() -> None:
    """An anchor of all streams is due long before the one before it may be removed."""
    from infra.components.anchors import LOCKED_DAYS
    from reference_service.cqrs.anchoring import FULL_AFTER

    assert 2 * FULL_AFTER.days < LOCKED_DAYS
    for stack in ("dev", "prod"):
        lifecycle = program(stack).one(
            "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "anchors"
        )
        assert not [rule for rule in lifecycle.inputs["rules"] if "expiration" in rule]


def test_alarms_on_the_service_s_metrics_watch_what_it_reports(topology: Program) -> None:
    from reference_service.aws.metrics import NAMESPACE
    from tests.infra.in_process import ROOT

    own = [
        alarm
        for alarm in topology.of("cloudwatch/metricAlarm:MetricAlarm")
        if not alarm.inputs["namespace"].startswith("AWS/")
    ]
    watched = {alarm.inputs["metricName"] for alarm in own}
    assert watched - {"HeartbeatLag_ms"} == {"Alterations", "Anchors", "Parked"}
    keys = {name: key for key, name in topology.exports["functions"].items()}
    for alarm in own:
        assert alarm.inputs["namespace"] == NAMESPACE
        function = keys[alarm.inputs["dimensions"]["Function"]]
        source = (ROOT / f"reference_service/functions/{function.replace('-', '_')}.py").read_text(
            "utf-8"
        )
        assert f'"{alarm.inputs["metricName"]}": ' in source
        assert f'"{function}",' in source


def test_a_reader_is_called_behind_long_before_its_records_are_given_up(
    topology: Program,
) -> None:
    ages_s = [
        m.inputs["maximumRecordAgeInSeconds"]
        for m in topology.of("lambda/eventSourceMapping:EventSourceMapping")
        if "maximumRecordAgeInSeconds" in m.inputs
    ]
    behind = [
        alarm
        for alarm in topology.of("cloudwatch/metricAlarm:MetricAlarm")
        if alarm.inputs["metricName"] == "IteratorAge"
    ]
    assert len(behind) == len(ages_s) == len(READERS)
    assert all(alarm.inputs["threshold"] < 1000 * min(ages_s) / 10 for alarm in behind)


def test_nothing_enters_the_network_from_outside(topology: Program) -> None:
    assert not [r for r in topology.resources if "Gateway:" in r.type and "ec2" in r.type]
    for rule in topology.of("vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        assert "referencedSecurityGroupId" in rule.inputs
        assert "cidrIpv4" not in rule.inputs
    for group in topology.of("ec2/securityGroup:SecurityGroup"):
        assert not {"ingress", "egress"} & group.inputs.keys(), "rules are resources of their own"


def test_functions_in_the_network_reach_what_they_call(topology: Program) -> None:
    endpoints = {
        e.inputs["serviceName"].rpartition(".")[2]: e.inputs["vpcEndpointType"]
        for e in topology.of("ec2/vpcEndpoint:VpcEndpoint")
    }
    assert endpoints == {
        "dynamodb": "Gateway",
        "s3": "Gateway",
        "secretsmanager": "Interface",
        "events": "Interface",
        "kms": "Interface",
    }


def test_the_api_logs_no_header_and_no_body(topology: Program) -> None:
    [stage] = topology.of("apigatewayv2/stage:Stage")
    logged = stage.inputs["accessLogSettings"]["format"]
    assert "$context.requestId" in logged
    assert "header" not in logged.lower()
    assert stage.inputs["defaultRouteSettings"]["throttlingRateLimit"] > 0
