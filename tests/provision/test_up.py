"""A program is brought up for real, changed in place, continued, or refused."""

import json
import signal
import threading
from typing import Any

import pytest

from bitacora.provision.engine import Change
from bitacora.provision.errors import ProvisionError, Refused
from bitacora.provision.kinds import Kind, Made, New
from bitacora.provision.state import StateFile
from tests.emulator import Emulator
from tests.provision.conftest import Bench

ORDERS = """
table = aws.dynamodb.Table(
    "events", name="PREFIX-events", hash_key="stream", range_key="commit",
    attributes=[{"name": "stream", "type": "S"}, {"name": "commit", "type": "N"}],
    billing_mode="PAY_PER_REQUEST", stream_enabled=True, stream_view_type="NEW_AND_OLD_IMAGES",
    point_in_time_recovery={"enabled": True}, tags={"team": "orders"},
)
log = aws.kinesis.Stream("log", name="PREFIX-log", shard_count=2, retention_period=48)
queue = aws.sqs.Queue("failed", name="PREFIX-failed", visibility_timeout_seconds=60)
role = aws.iam.Role("relay", name="PREFIX-relay", assume_role_policy=document(TRUST))
READS = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"]
granted = aws.iam.RolePolicy("relay", name="permissions", role=role.name, policy=document(
    allow([f"dynamodb:{read}" for read in READS], table.stream_arn),
    allow(["sqs:SendMessage"], queue.arn),
))
function = aws.lambda_.Function(
    "relay", name="PREFIX-relay", role=role.arn, runtime="python3.13", handler="relay.handler",
    timeout=10, code=pulumi.AssetArchive({"relay.py": pulumi.StringAsset(CODE)}),
    environment={"variables": {"LOG": log.name, "TOKEN": pulumi.Output.secret("hunter2")}},
)
aws.lambda_.EventSourceMapping(
    "relay", function_name=function.arn, event_source_arn=table.stream_arn, batch_size=100,
    starting_position="TRIM_HORIZON",
    destination_config={"on_failure": {"destination_arn": queue.arn}},
    opts=pulumi.ResourceOptions(depends_on=[granted]),
)
answer = aws.lambda_.Invocation("once", function_name=function.name, input=json.dumps({"n": 1}))
pulumi.export("table", table.name)
pulumi.export("stream_arn", table.stream_arn)
pulumi.export("answer", answer.result)
"""
CODE = "def handler(event, context):\n    print('called')\n    return {'version': 1, **event}\n"


def orders(prefix: str, **replaced: str) -> str:
    program = f"CODE = {CODE!r}\n" + ORDERS.replace("PREFIX", prefix)
    for old, new in replaced.items():
        assert old in program
        program = program.replace(old, new)
    return program


def names(changes: list[Change]) -> set[tuple[str, str]]:
    return {(change.action, change.type.split(":")[2]) for change in changes}


def test_everything_that_the_program_says_is_there(bench: Bench, emulator: Emulator) -> None:
    bench.write(orders("made"))
    told: list[Change] = []
    result = bench.up(on_resource=told.append)

    table = emulator.client("dynamodb").describe_table(TableName="made-events")["Table"]
    assert table["KeySchema"] == [
        {"AttributeName": "stream", "KeyType": "HASH"},
        {"AttributeName": "commit", "KeyType": "RANGE"},
    ]
    assert result.exports["stream_arn"] == table["LatestStreamArn"]
    assert json.loads(result.exports["answer"]) == {"version": 1, "n": 1}
    log = emulator.client("kinesis").describe_stream_summary(StreamName="made-log")
    assert log["StreamDescriptionSummary"]["OpenShardCount"] == 2
    assert log["StreamDescriptionSummary"]["RetentionPeriodHours"] == 48
    function = emulator.client("lambda").get_function_configuration(FunctionName="made-relay")
    assert function["Environment"]["Variables"] == {"LOG": "made-log", "TOKEN": "hunter2"}
    queue = emulator.client("sqs").get_queue_url(QueueName="made-failed")["QueueUrl"]
    attributes = emulator.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["VisibilityTimeout"]
    )
    assert attributes["Attributes"] == {"VisibilityTimeout": "60"}
    assert len(told) == len(result.changes) == len(result.resources) == 8


def test_a_stream_goes_to_the_delivery_engine_only(bench: Bench, emulator: Emulator) -> None:
    bench.write(orders("delivered"))
    result = bench.up()
    [(uuid, request)] = bench.delivery.mappings.items()
    assert request["EventSourceArn"] == result.exports["stream_arn"]
    assert request["FunctionName"].endswith(":function:delivered-relay")
    assert request["DestinationConfig"]["OnFailure"]["Destination"].endswith(":delivered-failed")
    [mapping] = [r for r in result.resources if "eventSourceMapping" in r.type]
    assert mapping.outputs["uuid"] == uuid
    own = emulator.client("lambda").list_event_source_mappings(FunctionName="delivered-relay")
    assert own["EventSourceMappings"] == []


def test_no_secret_is_kept(bench: Bench) -> None:
    bench.write(orders("secret"))
    bench.up()
    assert "hunter2" not in bench.state_path.read_text()


def test_a_second_run_changes_nothing_and_answers_the_same(
    bench: Bench, emulator: Emulator
) -> None:
    bench.write(orders("twice"))
    first = bench.up()
    second = bench.up()
    assert second.changes == []
    assert second.exports == first.exports
    assert {r.urn: r.outputs for r in second.resources} == {
        r.urn: r.outputs for r in first.resources
    }


def test_an_unchanged_program_needs_no_cloud(bench: Bench, unreached: Bench) -> None:
    bench.write(orders("offline"))
    first = bench.up()
    bench.cloud = unreached.cloud
    assert bench.up().exports == first.exports


def test_changed_code_is_redeployed_in_place(bench: Bench, emulator: Emulator) -> None:
    bench.write(orders("code"))
    bench.up()
    bench.write(orders("code", **{"'version': 1": "'version': 2"}))
    result = bench.up()
    assert result.changes == [
        Change("updated", "aws:lambda/function:Function", "relay", frozenset({"code"}))
    ]
    answer = emulator.client("lambda").invoke(FunctionName="code-relay", Payload=b"{}")
    assert json.load(answer["Payload"]) == {"version": 2}
    assert bench.up().changes == []


def test_settings_of_a_function_change_in_place(bench: Bench, emulator: Emulator) -> None:
    bench.write(orders("settings"))
    bench.up()
    bench.write(orders("settings", **{"timeout=10": "timeout=20", '"hunter2"': '"other"'}))
    [change] = bench.up().changes
    assert change.inputs == {"timeout", "environment"}
    function = emulator.client("lambda").get_function_configuration(FunctionName="settings-relay")
    assert function["Timeout"] == 20
    assert function["Environment"]["Variables"]["TOKEN"] == "other"
    assert function["Handler"] == "relay.handler"


def test_queues_subscriptions_and_policies_change_in_place(
    bench: Bench, emulator: Emulator
) -> None:
    program = """
topic = aws.sns.Topic("t", name="inplace")
queue = aws.sqs.Queue("q", name="inplace", visibility_timeout_seconds=SECONDS)
policy = aws.sqs.QueuePolicy("q", queue_url=queue.url, policy=document({
    **allow("sqs:SendMessage", queue.arn), "Principal": {"Service": "sns.amazonaws.com"},
    "Condition": {"ArnLike": {"aws:SourceArn": topic.arn}}, "Sid": "TYPE"}))
inbox = aws.sns.TopicSubscription(
    "q", topic=topic.arn, protocol="sqs", endpoint=queue.arn, raw_message_delivery=True,
    filter_policy_scope="MessageBody", filter_policy=json.dumps({"type": ["TYPE"]}),
    opts=pulumi.ResourceOptions(depends_on=[policy]))
pulumi.export("queue", queue.url)
pulumi.export("topic", topic.arn)
"""
    bench.write(program.replace("SECONDS", "30").replace("TYPE", "Old"))
    bench.up()
    bench.write(program.replace("SECONDS", "45").replace("TYPE", "New"))
    result = bench.up()
    assert names(result.changes) == {
        ("updated", "Queue"),
        ("updated", "QueuePolicy"),
        ("updated", "TopicSubscription"),
    }
    url, sqs = result.exports["queue"], emulator.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "45"
    assert '"Sid": "New"' in found["Policy"]
    for type_ in ("Old", "New"):
        emulator.client("sns").publish(
            TopicArn=result.exports["topic"], Message=json.dumps({"type": type_})
        )
    received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10)
    assert [json.loads(m["Body"])["type"] for m in received["Messages"]] == ["New"]


def test_a_changed_invocation_is_made_again(bench: Bench) -> None:
    bench.write(orders("again"))
    bench.up()
    bench.write(orders("again", **{'"n": 1': '"n": 2'}))
    assert json.loads(bench.up().exports["answer"]) == {"version": 1, "n": 2}


def test_a_mapping_changes_in_place_and_keeps_its_id(bench: Bench) -> None:
    bench.write(orders("mapping"))
    bench.up()
    [uuid] = bench.delivery.mappings
    bench.write(orders("mapping", **{"batch_size=100": "batch_size=7"}))
    assert names(bench.up().changes) == {("updated", "EventSourceMapping")}
    assert list(bench.delivery.mappings) == [uuid]
    assert bench.delivery.mappings[uuid]["BatchSize"] == 7


def test_new_resources_are_added_with_what_depends_on_them(bench: Bench) -> None:
    bench.write(orders("added"))
    bench.up()
    more = """
other = aws.sqs.Queue("other", name="added-other")
aws.sqs.QueuePolicy("other", queue_url=other.url, policy=document(
    {**allow("sqs:SendMessage", other.arn), "Principal": {"Service": "sns.amazonaws.com"}}))
"""
    bench.write(orders("added") + more)
    assert names(bench.up().changes) == {("created", "Queue"), ("created", "QueuePolicy")}


def test_a_change_that_needs_a_replacement_is_refused_as_a_whole(
    bench: Bench, emulator: Emulator
) -> None:
    bench.write(orders("refused"))
    bench.up()
    state = bench.state_path.read_text()
    changes = {"shard_count=2": "shard_count=3", "timeout=10": "timeout=20"}
    without_invocation = orders("refused", **changes).split("answer =")[0]
    bench.write(without_invocation)
    with pytest.raises(Refused) as error:
        bench.up()
    message = str(error.value)
    assert "aws:kinesis/stream:Stream 'log' (infra/__main__.py:" in message
    assert "): shardCount changed" in message
    assert "aws:lambda/invocation:Invocation 'once': removed from the program" in message
    assert message.endswith("bitacora down --purge && bitacora up")
    assert bench.state_path.read_text() == state
    function = emulator.client("lambda").get_function_configuration(FunctionName="refused-relay")
    assert function["Timeout"] == 10


def test_a_removed_setting_is_refused(bench: Bench) -> None:
    bench.write(orders("removed"))
    bench.up()
    bench.write(orders("removed", **{"timeout=10, ": ""}))
    with pytest.raises(Refused, match="timeout changed"):
        bench.up()


def test_a_change_that_the_program_ignores_is_none(bench: Bench) -> None:
    queue = """
    aws.sqs.Queue("q", name="ignored-q", delay_seconds=SECONDS,
                  opts=pulumi.ResourceOptions(ignore_changes=["delaySeconds"]))
    """
    bench.write(queue.replace("SECONDS", "1"))
    bench.up()
    bench.write(queue.replace("SECONDS", "2"))
    assert bench.up().changes == []


def test_a_run_that_broke_off_goes_on_where_it_stopped(
    bench: Bench, kinds: dict[str, Kind]
) -> None:
    whole = kinds["aws:lambda/function:Function"]

    def broken(new: New) -> Made:
        raise ProvisionError("out of luck")

    kinds["aws:lambda/function:Function"] = Kind(broken, whole.update, whole.mutable)
    bench.write(orders("broken"))
    with pytest.raises(ProvisionError, match=r"Function 'relay' .*: out of luck"):
        bench.up()
    kept = set(StateFile(bench.state_path).resources)
    assert any(urn.endswith("Role::relay") for urn in kept)

    kinds["aws:lambda/function:Function"] = whole
    result = bench.up()
    made = set(StateFile(bench.state_path).resources) - kept
    assert len(result.changes) == len(made)
    assert json.loads(result.exports["answer"]) == {"version": 1, "n": 1}


def test_an_interrupted_run_records_what_was_under_way_and_goes_on(bench: Bench) -> None:
    pressed = threading.Event()

    def interrupt(_change: Change) -> None:
        if not pressed.is_set():
            pressed.set()
            signal.raise_signal(signal.SIGINT)

    bench.write(orders("interrupted"))
    with pytest.raises(KeyboardInterrupt):
        bench.up(on_resource=interrupt)
    made = StateFile(bench.state_path).resources
    assert 0 < len(made) < 8
    assert len(bench.up().changes) == 8 - len(made)


def test_what_aws_refuses_is_told_with_its_place(bench: Bench) -> None:
    bench.write('aws.iam.RolePolicy("p", name="p", role="nobody", policy=document())')
    place = r"RolePolicy 'p' \(infra/__main__.py:\d+\): PutRolePolicy: NoSuchEntity"
    with pytest.raises(ProvisionError, match=place):
        bench.up()


def test_leftovers_of_a_lost_state_say_how_to_start_again(bench: Bench) -> None:
    bench.write('aws.iam.Role("r", name="leftover", assume_role_policy=document(TRUST))')
    bench.up()
    bench.state_path.unlink()
    with pytest.raises(ProvisionError, match="bitacora down --purge && bitacora up"):
        bench.up()


def test_a_failing_function_fails_the_run_with_its_own_words(bench: Bench) -> None:
    fails = "def handler(event, context):\n    print('x')\n    raise ValueError('no such table')\n"
    bench.write(orders("fails", **{repr(CODE): repr(fails)}))
    with pytest.raises(ProvisionError, match=r"the function failed: .*no such table"):
        bench.up()


def test_a_role_that_may_not_read_the_stream_fails_the_mapping(bench: Bench) -> None:
    bench.write(orders("blind", **{'"GetRecords", ': ""}))
    with pytest.raises(ProvisionError, match="role blind-relay lacks dynamodb:GetRecords on arn"):
        bench.up()


def test_a_role_that_may_not_keep_failed_batches_fails_the_mapping(bench: Bench) -> None:
    bench.write(orders("careless", **{'allow(["sqs:SendMessage"], queue.arn),': ""}))
    with pytest.raises(ProvisionError, match=r"lacks sqs:SendMessage on arn:.*:careless-failed"):
        bench.up()


UNGRANTED = """
bus = aws.cloudwatch.EventBus("bus", name="ungranted")
rule = aws.cloudwatch.EventRule(
    "placed", name="ungranted-placed", event_bus_name=bus.name,
    event_pattern=json.dumps({"source": ["orders"]}))
queue = aws.sqs.Queue("inbox", name="ungranted-inbox")
aws.cloudwatch.EventTarget(
    "placed", rule=rule.name, event_bus_name=bus.name, target_id="inbox", arn=queue.arn)
"""
GRANT = """
aws.sqs.QueuePolicy("inbox", queue_url=queue.url, policy=document({
    **allow("sqs:SendMessage", queue.arn), "Principal": {"Service": "events.amazonaws.com"},
    "Condition": {"ArnLike": {"aws:SourceArn": rule.arn}}}))
"""


def test_a_missing_grant_fails_until_the_program_has_it(bench: Bench) -> None:
    bench.write(UNGRANTED)
    for _ in range(2):
        with pytest.raises(ProvisionError) as error:
            bench.up()
        for part in ("ungranted-placed", "ungranted-inbox", "sqs:SendMessage"):
            assert part in str(error.value)
    bench.write(UNGRANTED + GRANT)
    assert names(bench.up().changes) == {("created", "QueuePolicy")}


def test_configuration_reaches_the_program(bench: Bench) -> None:
    bench.write(
        """
        config = pulumi.Config("kit")
        pulumi.export("values", [config.get("size"), aws.config.region, pulumi.get_stack()])
        """
    )
    exports: dict[str, Any] = bench.up({"size": "small", "aws:region": "us-east-1"}).exports
    assert exports == {"values": ["small", "us-east-1", "embedded"]}


def test_exports_of_one_run_do_not_leak_into_the_next(bench: Bench) -> None:
    bench.write('pulumi.export("a", 1)')
    assert bench.up().exports == {"a": 1}
    bench.write('pulumi.export("b", 2)')
    assert bench.up().exports == {"b": 2}
