"""The cloud goes away and comes back: the engine says so, waits, and loses nothing."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bitacora.faults.proxy import FaultProxy
from bitacora.faults.rules import LoseAnswer, Refuse, Rule
from tests.delivery.stage import RunningEngine, Stage, until
from tests.emulator import Emulator

SERVICES = ("kinesis", "dynamodb", "lambda", "s3")


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[FaultProxy]:
    with FaultProxy(lambda: emulator.endpoint) as running:
        yield running


@pytest.fixture
def proxied_engine(
    emulator: Emulator, proxy: FaultProxy, tmp_path: Path
) -> Iterator[RunningEngine]:
    environment = emulator.environment() | {"AWS_ENDPOINT_URL": proxy.url}
    running = RunningEngine(tmp_path, environment)
    running.start()
    yield running
    running.stop()


def test_a_cloud_that_goes_away_is_reported_and_waited_for(
    stage: Stage, proxied_engine: RunningEngine, proxy: FaultProxy
) -> None:
    table, log = stage.table(), stage.kinesis_stream()
    of_table, of_log = stage.function(), stage.function()
    mappings = [proxied_engine.map(of_table, table), proxied_engine.map(of_log, log)]
    for service in SERVICES:
        proxy.inject(Rule(fault=Refuse(), service=service, operation="*", times=None))
    table.put("order-0/1")
    log.put("order-0/1")

    def errors() -> bool:
        reports = proxied_engine.client.mappings()
        shards = [shard for report in reports for shard in report["shards"].values()]
        return all(
            [*(shard["last_error"] for shard in shards)] or [r["last_error"] for r in reports]
        )

    until(errors, description="the lost connection in every report")
    table.put("order-0/2")
    log.put("order-0/2")
    proxy.clear()
    for mapping in mappings:
        proxied_engine.settle(mapping)
    assert of_table.values() == of_log.values() == ["order-0/1", "order-0/2"]


def test_an_invocation_whose_connection_breaks_is_repeated_without_an_attempt(
    stage: Stage, proxied_engine: RunningEngine, proxy: FaultProxy
) -> None:
    table, function = stage.table(), stage.function()
    proxy.inject(Rule(fault=LoseAnswer(), service="lambda", operation="POST *invocations", times=2))
    mapping = proxied_engine.map(function, table, MaximumRetryAttempts=0)
    table.put("order-0/1")
    report = proxied_engine.settle(mapping)
    assert function.values() == ["order-0/1"] * 3
    shard = next(iter(report["shards"].values()))
    assert (shard["delivered"], shard["failed"]) == (1, 0)


def test_a_destination_out_of_reach_is_tried_until_the_records_are_there(
    stage: Stage, proxied_engine: RunningEngine, proxy: FaultProxy
) -> None:
    table, bucket = stage.table(), stage.bucket()
    function = stage.function(**{"raise": ["order-0/1"]})
    refusals = proxy.inject(Rule(fault=Refuse(), service="s3", operation="PUT *", times=3))
    mapping = proxied_engine.map(
        function,
        table,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    table.put("order-0/1")
    report = proxied_engine.settle(mapping)
    assert refusals.applied == 3
    (written,) = stage.objects(bucket).values()
    assert json.loads(written["payload"])["Records"][0]["dynamodb"]["Keys"]["commit"] == {"N": "1"}
    assert next(iter(report["shards"].values()))["failed"] == 1


def test_the_iterator_age_of_a_blocked_function_is_in_cloudwatch(
    stage: Stage, engine: RunningEngine
) -> None:
    log, function = stage.kinesis_stream(), stage.function(**{"raise": ["order-0/1"]})
    log.put("order-0/1")
    started = time.time()
    mapping = engine.map(function, log)

    def points() -> list[dict[str, float]]:
        now = datetime.now(UTC)
        found = stage.emulator.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="IteratorAge",
            Dimensions=[{"Name": "FunctionName", "Value": function.name}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["Maximum"],
        )
        datapoints: list[dict[str, float]] = found["Datapoints"]
        return datapoints

    (point,) = until(points, description="a data point")
    lag_ms = (time.time() - started + 60) * 1000
    assert 0 < point["Maximum"] < lag_ms
    assert engine.client.mapping(mapping)["iterator_age_ms"] >= point["Maximum"]
