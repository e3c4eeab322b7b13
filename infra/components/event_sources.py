"""How functions read streams and queues: the mapping, and what it needs of the function's role."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.components.service_function import ServiceFunction
from infra.components.service_queue import ServiceQueue
from infra.policies import Statement, allow

# The longest outage behind which a consumer catches up on its own; older records go to the failures
# bucket. The streams keep their records longer (DynamoDB 24 h, the log 7 days).
PROMISED_OUTAGE_S = 6 * 3600
RECORD_AGE_S = 2 * PROMISED_OUTAGE_S
# Attempts are not counted: at the pace of the first retries any count ends before the outage does.
ATTEMPTS_UNTIL_TOO_OLD = -1


def read_stream(
    function: ServiceFunction,
    *,
    source_arn: pulumi.Input[str],
    failures_arn: pulumi.Input[str],
    batch_size: int,
    only: str | None = None,
    depends_on: Sequence[pulumi.Resource] = (),
) -> None:
    """Feed a DynamoDB stream or the log to `function`, in order, from its oldest record on.

    `only` is a pattern for the records that it is given.
    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html
    """
    aws.lambda_.EventSourceMapping(
        f"{function.key}-source",
        function_name=function.name,
        event_source_arn=source_arn,
        starting_position="TRIM_HORIZON",
        batch_size=batch_size,
        maximum_batching_window_in_seconds=0,
        parallelization_factor=1,
        maximum_retry_attempts=ATTEMPTS_UNTIL_TOO_OLD,
        maximum_record_age_in_seconds=RECORD_AGE_S,
        bisect_batch_on_function_error=True,
        function_response_types=["ReportBatchItemFailures"],
        destination_config={"on_failure": {"destination_arn": failures_arn}},
        filter_criteria={"filters": [{"pattern": only}]} if only else None,
        # Created first, the new mapping would be one reader more on a stream that allows two.
        opts=pulumi.ResourceOptions(
            parent=function, delete_before_replace=True, depends_on=list(depends_on)
        ),
    )


def read_queue(
    function: ServiceFunction,
    queue: ServiceQueue,
    *,
    maximum_concurrency: int,
    depends_on: Sequence[pulumi.Resource] = (),
) -> None:
    """Feed `queue` to `function`, at most `maximum_concurrency` (>= 2) batches at once."""
    aws.lambda_.EventSourceMapping(
        f"{function.key}-source",
        function_name=function.name,
        event_source_arn=queue.arn,
        batch_size=10,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config={"maximum_concurrency": maximum_concurrency},
        opts=pulumi.ResourceOptions(parent=function, depends_on=list(depends_on)),
    )


def may_read_dynamodb_stream(arn: pulumi.Input[str]) -> Statement:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"""
    actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    return allow("ReadStream", [f"dynamodb:{action}" for action in actions], arn)


def may_read_kinesis_stream(arn: pulumi.Input[str]) -> Statement:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html"""
    actions = (
        "DescribeStream",
        "DescribeStreamSummary",
        "GetRecords",
        "GetShardIterator",
        "ListShards",
    )
    return allow("ReadLog", [f"kinesis:{action}" for action in actions], arn)


def may_consume(arn: pulumi.Input[str]) -> Statement:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return allow("ConsumeQueue", [f"sqs:{action}" for action in actions], arn)


def may_keep_failed_batches(bucket_arn: pulumi.Input[str]) -> list[Statement]:
    """https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"""
    return [
        allow("KeepFailedBatches", ["s3:PutObject"], pulumi.Output.concat(bucket_arn, "/*")),
        allow("FindFailuresBucket", ["s3:ListBucket"], bucket_arn),
    ]
