"""Deliveries on the embedded cloud: order, exactly what AWS hands over, nothing lost."""

from tests.delivery.stage import RunningEngine, Stage


def test_a_tables_changes_arrive_in_order_per_item(stage: Stage, engine: RunningEngine) -> None:
    table, function = stage.table(), stage.function()
    mapping = engine.map(function, table, BatchSize=10)
    values = [f"order-{n % 7}/{n // 7 + 1}" for n in range(140)]
    table.put(*values)
    report = engine.settle(mapping)
    assert function.values() == values
    assert max(len(batch) for batch in function.batches()) <= 10
    shard = next(iter(report["shards"].values()))
    assert (shard["delivered"], shard["failed"], shard["outstanding"]) == (140, 0, 0)


def test_a_logs_records_arrive_in_order_per_key(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(shards=2), stage.function()
    mapping = engine.map(function, log, BatchSize=25)
    values = [f"order-{n % 9}/{n // 9 + 1}" for n in range(300)]
    log.put(*values)
    engine.settle(mapping)
    seen = function.values()
    assert sorted(seen) == sorted(values)
    for key in {value.split("/")[0] for value in values}:
        of_key = [value for value in seen if value.startswith(f"{key}/")]
        assert of_key == [value for value in values if value.startswith(f"{key}/")]
