"""Nothing that fails on its way is dropped, and no stream is read in another way than promised."""

import json

import pytest

from infra.components.event_sources import PROMISED_OUTAGE_S
from tests.infra.in_process import ROOT, Program, Resource

QUEUE = "sqs/queue:Queue"
MAPPING = "lambda/eventSourceMapping:EventSourceMapping"
FUNCTION = "lambda/function:Function"
WAYS = json.loads((ROOT / "contracts" / "topology.json").read_text("utf-8"))
STREAM_RETENTION_S = {"dynamodb": 24 * 3600, "kinesis": 7 * 24 * 3600}


def by_arn(topology: Program, type_: str) -> dict[str, Resource]:
    return {resource.outputs["arn"]: resource for resource in topology.of(type_)}


def streams(topology: Program) -> list[Resource]:
    return [m for m in topology.of(MAPPING) if source(m) in STREAM_RETENTION_S]


def source(mapping: Resource) -> str:
    return str(mapping.inputs["eventSourceArn"]).split(":")[2]


def function_of(topology: Program, mapping: Resource) -> Resource:
    [found] = [
        f for f in topology.of(FUNCTION) if f.inputs["name"] == mapping.inputs["functionName"]
    ]
    return found


def test_every_queue_has_dead_letters_or_is_one(topology: Program) -> None:
    queues = by_arn(topology, QUEUE)
    for queue in queues.values():
        redrive = json.loads(queue.inputs.get("redrivePolicy", "null"))
        if redrive:
            assert redrive["deadLetterTargetArn"] in queues
            assert redrive["maxReceiveCount"] >= 5
        else:
            assert queue.name.endswith("-dlq"), f"{queue.name} drops what fails"
            assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 3600


def test_every_dead_letter_has_a_way_back(topology: Program) -> None:
    """By what the stack tells its tools, for every queue that has no dead letters of its own."""
    exports = topology.exports
    dead = {q.inputs["name"] for q in topology.of(QUEUE) if "redrivePolicy" not in q.inputs}
    assert {f"{exports['prefix']}-{key}" for key in exports["dead_letters"]} == dead
    for key, told in exports["dead_letters"].items():
        match told["way"]:
            case "queue":
                assert key == f"{told['to']}-dlq"
                assert told["to"] in exports["queues"]
            case "function":
                assert told["to"] in exports["functions"]
            case way:
                assert (way, "bus_name" in exports) == ("bus", True)


def test_every_queue_outwaits_its_function(topology: Program) -> None:
    queues = by_arn(topology, QUEUE)
    read = [m for m in topology.of(MAPPING) if source(m) == "sqs"]
    assert {queues[m.inputs["eventSourceArn"]].name for m in read} == {
        "order-commands",
        "fulfilment",
        "notification",
        "ledger",
        "failed-batches",
    }
    for mapping in read:
        queue = queues[mapping.inputs["eventSourceArn"]]
        timeout_s = function_of(topology, mapping).inputs["timeout"]
        assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * timeout_s
        assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping.inputs["scalingConfig"]["maximumConcurrency"] >= 2


def test_every_stream_is_read_from_its_start_and_to_its_end(topology: Program) -> None:
    failures = topology.one("s3/bucket:Bucket", "failures-bucket").outputs["arn"]
    assert len(streams(topology)) == 6
    for mapping in streams(topology):
        inputs = mapping.inputs
        assert inputs["startingPosition"] == "TRIM_HORIZON"
        assert inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert inputs["bisectBatchOnFunctionError"] is True
        assert inputs["parallelizationFactor"] == 1
        assert inputs["batchSize"] > 0
        assert inputs["maximumBatchingWindowInSeconds"] >= 0
        assert inputs["destinationConfig"]["onFailure"]["destinationArn"] == failures
        assert mapping.delete_before_replace, "its replacement would be one reader too many"


def test_retries_outlast_the_promised_outage_and_end_before_the_stream_does(
    topology: Program,
) -> None:
    for mapping in streams(topology):
        age_s = mapping.inputs["maximumRecordAgeInSeconds"]
        assert PROMISED_OUTAGE_S < age_s < STREAM_RETENTION_S[source(mapping)]
        assert mapping.inputs["maximumRetryAttempts"] == -1, "a count would end before the age does"


def test_the_log_keeps_records_for_as_long_as_the_checks_think(topology: Program) -> None:
    log = topology.one("kinesis/stream:Stream", "log")
    assert log.inputs["retentionPeriod"] * 3600 == STREAM_RETENTION_S["kinesis"]


def test_two_functions_read_the_event_store(topology: Program) -> None:
    """A single-Region table's stream has two readers per shard, not more."""
    stream = topology.one("dynamodb/table:Table", "events").outputs["streamArn"]
    readers = [m.name for m in topology.of(MAPPING) if m.inputs["eventSourceArn"] == stream]
    assert sorted(readers) == ["publisher-source", "relay-source"]


def test_the_stream_carries_what_was_there_before_a_change(topology: Program) -> None:
    events = topology.one("dynamodb/table:Table", "events")
    assert events.inputs["streamEnabled"] is True
    assert events.inputs["streamViewType"] == "NEW_AND_OLD_IMAGES"


def test_every_asynchronous_hop_has_dead_letters(topology: Program) -> None:
    queues = by_arn(topology, QUEUE)
    targets = topology.of("cloudwatch/eventTarget:EventTarget")
    subscriptions = topology.of("sns/topicSubscription:TopicSubscription")
    letters = [t.inputs["deadLetterConfig"]["arn"] for t in targets]
    letters += [json.loads(s.inputs["redrivePolicy"])["deadLetterTargetArn"] for s in subscriptions]
    assert len(letters) == len(targets) + len(subscriptions) == 13
    assert all(queues[arn].name.endswith("-dlq") for arn in letters)


def test_a_function_that_is_invoked_without_waiting_keeps_what_failed(topology: Program) -> None:
    functions = by_arn(topology, FUNCTION)
    targets = topology.of("cloudwatch/eventTarget:EventTarget")
    invoked = [functions[t.inputs["arn"]] for t in targets if t.inputs["arn"] in functions]
    configs = topology.of("lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    kept = {
        c.inputs["functionName"]: c.inputs["destinationConfig"]["onFailure"]["destination"]
        for c in configs
    }
    assert sorted(f.inputs["name"] for f in invoked) == sorted(kept)
    assert all(arn in by_arn(topology, QUEUE) for arn in kept.values())


def test_a_failed_batch_becomes_a_message(topology: Program) -> None:
    [notification] = topology.of("s3/bucketNotification:BucketNotification")
    [queue] = notification.inputs["queues"]
    assert by_arn(topology, QUEUE)[queue["queueArn"]].name == "failed-batches"
    assert queue["events"] == ["s3:ObjectCreated:*"]


@pytest.mark.parametrize("event", WAYS)
def test_a_public_event_reaches_exactly_its_consumers(topology: Program, event: str) -> None:
    rule = topology.one("cloudwatch/eventRule:EventRule", event)
    pattern = json.loads(rule.inputs["eventPattern"])
    assert pattern == {"source": [WAYS[event]["source"]], "detail-type": [event]}
    queues, topic = by_arn(topology, QUEUE), topology.one("sns/topic:Topic", "order-events")
    targets = [
        t
        for t in topology.of("cloudwatch/eventTarget:EventTarget")
        if t.inputs["rule"] == rule.inputs["name"]
    ]
    assert all(t.inputs["inputPath"] == "$.detail" for t in targets)
    reached = {
        queues[t.inputs["arn"]].name for t in targets if t.inputs["arn"] != topic.outputs["arn"]
    }
    if any(t.inputs["arn"] == topic.outputs["arn"] for t in targets):
        for subscription in topology.of("sns/topicSubscription:TopicSubscription"):
            assert subscription.inputs["rawMessageDelivery"] is True
            assert subscription.inputs["filterPolicyScope"] == "MessageBody"
            if event in json.loads(subscription.inputs["filterPolicy"])["type"]:
                reached.add(queues[subscription.inputs["endpoint"]].name)
    assert reached == set(WAYS[event]["consumers"])


def test_the_channels_of_the_public_way_are_called_as_asyncapi_says(topology: Program) -> None:
    document = json.loads((ROOT / "contracts" / "asyncapi.json").read_text("utf-8"))
    names = {
        resource.inputs["name"]
        for type_ in ("cloudwatch/eventBus:EventBus", "sns/topic:Topic", QUEUE)
        for resource in topology.of(type_)
    }
    [bus] = topology.of("cloudwatch/eventBus:EventBus")
    prefix = bus.inputs["name"].removesuffix("-bus")
    channels = {c["address"].format(prefix=prefix) for c in document["channels"].values()}
    assert channels <= names
    assert bus.inputs["name"] in channels
