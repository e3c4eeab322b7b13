"""Crashes and changes of the engine: at most the uncheckpointed batch repeats, nothing is lost."""

import json
import time
import uuid
from pathlib import Path

import pytest

from bitacora.delivery.client import DeliveryError
from tests.delivery.stage import KinesisStream, RunningEngine, Stage, until


def test_after_kill_9_only_the_batch_under_way_is_repeated(
    stage: Stage, own_engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function()
    mapping = own_engine.map(function, table, BatchSize=2)
    table.put(*[f"order-{n}/1" for n in range(6)])
    own_engine.settle(mapping)
    function.plan(sleep_s=2)
    table.put("order-6/1", "order-7/1", "order-8/1")
    until(lambda: len(function.values()) > 6, description="a batch under way")
    own_engine.kill()
    under_way = function.batches()[-1]
    function.plan()
    own_engine.start()
    own_engine.settle(mapping)
    values = function.values()
    assert {value for value in values if values.count(value) > 1} <= set(under_way)
    assert set(values) == {f"order-{n}/1" for n in range(9)}


def test_sigterm_ends_the_engine_while_a_function_runs(
    stage: Stage, own_engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function(sleep_s=20)
    own_engine.map(function, table)
    table.put("order-0/1")
    until(function.values, description="a function under way")
    assert own_engine.process
    own_engine.process.terminate()
    assert own_engine.process.wait(timeout=10) == 0


def test_an_update_takes_effect_without_losing_the_place(
    stage: Stage, engine: RunningEngine
) -> None:
    table, first, second = stage.table(), stage.function(), stage.function()
    mapping = engine.map(first, table)
    table.put("order-0/1")
    engine.settle(mapping)
    engine.client.update_mapping(mapping, {"FunctionName": second.name, "BatchSize": 7})
    table.put("order-0/2")
    until(second.values, description="a delivery to the new function")
    assert (first.values(), second.values()) == (["order-0/1"], ["order-0/2"])
    assert engine.client.mapping(mapping)["request"]["BatchSize"] == 7


def test_a_disabled_mapping_goes_on_where_it_was(stage: Stage, own_engine: RunningEngine) -> None:
    table, function = stage.table(), stage.function()
    mapping = own_engine.map(function, table)
    table.put("order-0/1")
    own_engine.settle(mapping)
    own_engine.client.update_mapping(mapping, {"Enabled": False})
    until(lambda: own_engine.client.mapping(mapping)["state"] == "Disabled", description="disabled")
    table.put("order-0/2")
    own_engine.stop()
    own_engine.start()
    assert own_engine.client.mapping(mapping)["state"] == "Disabled"
    assert function.values() == ["order-0/1"]
    own_engine.client.update_mapping(mapping, {"Enabled": True})
    own_engine.settle(mapping)
    assert function.values() == ["order-0/1", "order-0/2"]


def test_a_deleted_mapping_is_forgotten(stage: Stage, own_engine: RunningEngine) -> None:
    table, function = stage.table(), stage.function()
    mapping = own_engine.map(function, table)
    table.put("order-0/1")
    own_engine.settle(mapping)
    own_engine.client.delete_mapping(mapping)
    own_engine.client.delete_mapping(mapping)
    assert own_engine.client.mappings() == []
    assert list(own_engine.home.glob("delivery/*")) == []


def test_latest_starts_after_what_is_there(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    log.put("order-0/1")
    mapping = engine.map(function, log, StartingPosition="LATEST")
    engine.settle(mapping)
    log.put("order-0/2")
    engine.settle(mapping)
    assert function.values() == ["order-0/2"]


def test_latest_of_a_table_keeps_its_place_over_a_restart_before_the_first_record(
    stage: Stage, own_engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function()
    table.put("order-0/1")
    second = int(time.time())
    until(lambda: int(time.time()) > second, description="a change's time is in whole seconds")
    mapping = own_engine.map(function, table, StartingPosition="LATEST")
    own_engine.settle(mapping)
    own_engine.kill()
    table.put("order-0/2")
    own_engine.start()
    own_engine.settle(mapping)
    assert function.values() == ["order-0/2"]


def written_at(log: KinesisStream) -> float:
    """When the stream's only record arrived, epoch seconds."""
    shard = log.shards()[0]["ShardId"]
    iterator = log.client.get_shard_iterator(
        StreamName=log.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = log.client.get_records(ShardIterator=iterator)["Records"]
    return float(record["ApproximateArrivalTimestamp"].timestamp())


def test_at_timestamp_starts_with_the_first_record_after_it(
    stage: Stage, engine: RunningEngine
) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    log.put("order-0/1")
    moment = written_at(log) + 0.005
    until(lambda: time.time() > moment)
    log.put("order-0/2")
    mapping = engine.map(
        function, log, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=moment
    )
    engine.settle(mapping)
    assert function.values() == ["order-0/2"]


def test_a_broken_file_ends_the_start_and_is_named(stage: Stage, own_engine: RunningEngine) -> None:
    own_engine.stop()
    broken = own_engine.home / "delivery" / "some.json"
    broken.write_text("{")
    with pytest.raises(AssertionError, match=r"some\.json holds no mapping"):
        own_engine.start()


def test_a_mapping_waits_for_a_function_that_is_not_there_yet(
    stage: Stage, engine: RunningEngine, tmp_path: Path
) -> None:
    table, later = stage.table(), stage.function()
    request = {
        "EventSourceArn": table.arn,
        "FunctionName": "not-there",
        "StartingPosition": "TRIM_HORIZON",
    }
    mapping = str(uuid.uuid4())
    engine.client.put_mapping(mapping, request)
    table.put("order-0/1")
    until(lambda: engine.client.mapping(mapping)["last_error"], description="its error")
    assert "not-there" in engine.client.mapping(mapping)["last_error"]
    engine.client.put_mapping(mapping, request | {"FunctionName": later.name})
    engine.settle(mapping)
    assert later.values() == ["order-0/1"]


def test_requests_are_refused_with_what_is_wrong(stage: Stage, own_engine: RunningEngine) -> None:
    table = stage.table()
    good = {
        "EventSourceArn": table.arn,
        "FunctionName": "f",
        "StartingPosition": "TRIM_HORIZON",
    }
    refusals = {
        "TumblingWindowInSeconds": 30,
        "StartingPosition": "AT_TIMESTAMP",
        "BatchSize": 0,
        "Colour": "red",
    }
    for name, value in refusals.items():
        with pytest.raises(DeliveryError, match=name) as refused:
            own_engine.client.put_mapping("a", good | {name: value})
        assert refused.value.status == 400
    wrong_token = type(own_engine.client)(own_engine.client.url, "guess")
    for client, call, status in (
        (wrong_token, lambda c: c.mappings(), 401),
        (own_engine.client, lambda c: c.mapping("nobody"), 404),
        (own_engine.client, lambda c: c.fault("nobody", "stop"), 404),
        (own_engine.client, lambda c: c.put_mapping("../etc", good), 404),
    ):
        with pytest.raises(DeliveryError) as refused:
            call(client)
        assert refused.value.status == status
    own_engine.client.put_mapping("a", good)
    with pytest.raises(DeliveryError, match="EventSourceArn: can't change"):
        own_engine.client.update_mapping("a", {"EventSourceArn": stage.table().arn})
    with pytest.raises(DeliveryError, match="none of repeat_batch"):
        own_engine.client.fault("a", "explode")
    assert json.loads((own_engine.home / "delivery" / "a.json").read_text())["request"] == good
