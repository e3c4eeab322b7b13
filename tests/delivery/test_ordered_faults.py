"""Faults on demand on the embedded cloud: what AWS may do, and counted."""

from tests.delivery.stage import RunningEngine, Stage, until


def test_a_repeated_batch_is_delivered_again_after_success(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function()
    mapping = engine.map(function, table)
    engine.client.fault(mapping, "repeat_batch", times=2)
    for commit in (1, 2, 3):
        table.put(f"order-0/{commit}")
        report = engine.settle(mapping)
    assert function.values() == [f"order-0/{commit}" for commit in (1, 1, 2, 2, 3)]
    assert report["faults"]["repeat_batch"] == {"armed": 0, "done": 2}
    assert next(iter(report["shards"].values()))["delivered"] == 3


def test_a_lost_answer_repeats_the_batch_and_consumes_no_attempt(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function()
    mapping = engine.map(function, table, MaximumRetryAttempts=0)
    engine.client.fault(mapping, "lose_answer")
    table.put("order-0/1")
    report = engine.settle(mapping)
    assert function.values() == ["order-0/1"] * 2
    shard = next(iter(report["shards"].values()))
    assert (shard["delivered"], shard["failed"]) == (1, 0)
    assert "lost on demand" in shard["last_error"]


def test_a_stopped_mapping_delivers_nothing_until_it_is_resumed(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function, other = stage.table(), stage.function(), stage.function()
    mapping, beside = engine.map(function, table), engine.map(other, table)
    engine.settle(mapping)
    engine.client.fault(mapping, "stop")
    table.put("order-0/1")
    engine.settle(beside)

    def outstanding() -> bool:
        shards = engine.client.mapping(mapping)["shards"].values()
        return any(shard["outstanding"] == 1 for shard in shards)

    until(outstanding, description="the record is read")
    assert engine.client.mapping(mapping)["state"] == "Stopped"
    assert (function.values(), other.values()) == ([], ["order-0/1"])
    engine.client.fault(mapping, "resume")
    engine.settle(mapping)
    assert function.values() == ["order-0/1"]


def test_a_delayed_mapping_delivers_late(stage: Stage, engine: RunningEngine) -> None:
    table, function = stage.table(), stage.function()
    mapping = engine.map(function, table)
    engine.settle(mapping)
    engine.client.fault(mapping, "delay_ms", ms=700)
    table.put("order-0/1")
    until(lambda: engine.client.mapping(mapping)["iterator_age_ms"] > 0, description="a lag")
    assert function.values() == []
    engine.settle(mapping)
    assert function.values() == ["order-0/1"]


def test_a_reorder_exchanges_commits_of_a_stream_but_not_changes_of_an_item(
    stage: Stage, engine: RunningEngine
) -> None:
    table, function = stage.table(), stage.function()
    mapping = engine.map(function, table)
    engine.client.fault(mapping, "reorder", hold_ms=400)
    commits = [f"order-0/{n}" for n in range(1, 6)]
    table.put(*commits)
    table.client.delete_item(
        TableName=table.name, Key={"stream": {"S": "order-0"}, "commit": {"N": "3"}}
    )
    report = engine.settle(mapping)
    records = [r for i in function.invocations() for r in i["event"]["Records"]]
    order = [(r["eventName"], r["dynamodb"]["Keys"]["commit"]["N"]) for r in records]
    inserts = [commit for name, commit in order if name == "INSERT"]
    assert sorted(inserts) == ["1", "2", "3", "4", "5"]
    assert order.index(("REMOVE", "3")) > order.index(("INSERT", "3"))
    assert order != [("INSERT", str(n)) for n in range(1, 6)] + [("REMOVE", "3")]
    assert len(function.invocations()) > 1, "batches end anywhere, too"
    assert report["faults"]["reorder"] == {"armed": 0, "done": 1}
    last = max(r["dynamodb"]["SequenceNumber"] for r in records)
    assert next(iter(report["shards"].values()))["checkpoint"] == last
