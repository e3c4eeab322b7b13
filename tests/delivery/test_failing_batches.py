"""Failing functions on the embedded cloud: retries, partial answers, bisection, destinations."""

import json
import re

from tests.delivery.stage import RunningEngine, Stage, until


def test_a_poisoned_record_is_isolated_and_ends_in_s3_with_its_content(
    stage: Stage, engine: RunningEngine
) -> None:
    log, bucket = stage.kinesis_stream(), stage.bucket()
    values = [f"order-{n}/1" for n in range(8)]
    function = stage.function(**{"raise": [values[5]]})
    log.put(*values)
    mapping = engine.map(
        function,
        log,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    report = engine.settle(mapping)
    shard_id, shard = next(iter(report["shards"].items()))
    assert (shard["delivered"], shard["failed"]) == (7, 1)
    # 8 → 4+4; the second half → 2+2; → 1+1; the poisoned one alone is tried and retried once.
    assert [len(batch) for batch in function.batches()] == [8, 4, 4, 2, 1, 1, 1, 2]
    succeeded = [v for batch in function.batches() if values[5] not in batch for v in batch]
    assert succeeded == values[:5] + values[6:]
    ((key, written),) = stage.objects(bucket).items()
    assert re.fullmatch(
        rf"aws/lambda/{mapping}/{shard_id}/\d{{4}}/\d\d/\d\d/"
        r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}",
        key,
    )
    event = json.loads(written["payload"])
    assert event in [invocation["event"] for invocation in function.invocations()]
    assert len(event["Records"]) == written["KinesisBatchInfo"]["batchSize"] == 1
    assert written["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert written["requestContext"]["functionArn"].endswith(f":function:{function.name}")
    sequence = event["Records"][0]["kinesis"]["sequenceNumber"]
    assert written["KinesisBatchInfo"]["startSequenceNumber"] == sequence


def test_a_reported_failure_is_resumed_at_and_nothing_before_it_repeats(
    stage: Stage, engine: RunningEngine
) -> None:
    table = stage.table()
    values = [f"order-{n}/1" for n in range(6)]
    function = stage.function(report=[values[3], values[4]])
    table.put(*values)
    mapping = engine.map(function, table, FunctionResponseTypes=["ReportBatchItemFailures"])
    until(lambda: len(function.batches()) >= 3, description="retries of the failed records")
    assert function.batches()[:3] == [values, values[3:], values[3:]]
    checkpoint = next(iter(engine.client.mapping(mapping)["shards"].values()))["checkpoint"]
    third = function.invocations()[0]["event"]["Records"][2]["dynamodb"]["SequenceNumber"]
    assert checkpoint == third
    function.plan()
    report = engine.settle(mapping)
    assert next(iter(report["shards"].values()))["failed"] == 0
    assert set(function.values()) == set(values)


def test_without_report_batch_item_failures_the_answer_is_not_read(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function(report=["order-0/1"])
    table.put("order-0/1", "order-1/1")
    mapping = engine.map(function, table)
    engine.settle(mapping)
    assert function.values() == ["order-0/1", "order-1/1"]


def test_metadata_of_a_discarded_batch_reaches_a_queue_and_a_topic(
    stage: Stage, engine: RunningEngine
) -> None:
    sqs, sns = stage.emulator.client("sqs"), stage.emulator.client("sns")
    queue, topic_queue = (sqs.create_queue(QueueName=stage.name("q"))["QueueUrl"] for _ in "ab")
    arn, topic_queue_arn = (
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        for url in (queue, topic_queue)
    )
    topic = sns.create_topic(Name=stage.name("topic"))["TopicArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": topic_queue_arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=topic_queue, Attributes={"Policy": json.dumps(policy)})
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=topic_queue_arn, Attributes=attributes)
    table, function = stage.table(), stage.function(**{"raise": ["order-0/1"]})
    table.put("order-0/1")
    for destination in (arn, topic):
        settings = {"DestinationConfig": {"OnFailure": {"Destination": destination}}}
        engine.map(function, table, MaximumRetryAttempts=0, **settings)
    for url in (queue, topic_queue):
        messages = until(
            lambda url=url: sqs.receive_message(QueueUrl=url).get("Messages"),
            description="a message about the discarded batch",
        )
        record = json.loads(messages[0]["Body"])
        assert record["DDBStreamBatchInfo"]["batchSize"] == 1
        assert record["DDBStreamBatchInfo"]["streamArn"] == table.arn
        assert "payload" not in record


def test_a_destination_that_is_gone_does_not_block_the_shard(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function(**{"raise": ["order-0/1"]})
    table.put("order-0/1", "order-1/1")
    mapping = engine.map(
        function,
        table,
        BatchSize=1,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::there-is-no-such-bucket"}},
    )
    shard = next(iter(engine.settle(mapping)["shards"].values()))
    assert (shard["delivered"], shard["failed"], shard["destination_failures"]) == (1, 1, 1)
    assert "there-is-no-such-bucket" in shard["last_error"]


def test_filtered_records_count_as_processed_and_never_reach_the_function(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function()
    pattern = {"dynamodb": {"Keys": {"stream": {"S": [{"prefix": "order-"}]}}}}
    mapping = engine.map(
        function, table, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]}
    )
    table.put("order-0/1", "invoice-0/1", "order-0/2", "invoice-0/2")
    report = engine.settle(mapping)
    assert function.values() == ["order-0/1", "order-0/2"]
    shard = next(iter(report["shards"].values()))
    assert (shard["delivered"], shard["filtered"], shard["outstanding"]) == (2, 2, 0)


def test_a_throttled_function_loses_no_record_and_no_attempt(
    stage: Stage, engine: RunningEngine
) -> None:
    table, bucket, function = stage.table(), stage.bucket(), stage.function()
    awslambda = stage.emulator.client("lambda")
    awslambda.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    mapping = engine.map(
        function,
        table,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    table.put("order-0/1")

    def throttled() -> bool:
        shards = engine.client.mapping(mapping)["shards"].values()
        return any(shard["throttles"] >= 2 for shard in shards)

    until(throttled, description="two throttled invocations")
    awslambda.delete_function_concurrency(FunctionName=function.name)
    engine.settle(mapping)
    assert function.values() == ["order-0/1"]
    assert stage.objects(bucket) == {}
