"""Reshards and parallel lanes on the embedded cloud: order per key, nothing lost."""

from itertools import pairwise

from tests.delivery.stage import RunningEngine, Stage, until


def in_order_per_key(seen: list[str], keys: int, commits: int) -> None:
    for key in range(keys):
        of_key = [value for value in seen if value.startswith(f"order-{key}/")]
        assert of_key == [f"order-{key}/{commit}" for commit in range(1, commits + 1)]


def test_split_and_merge_keep_order_per_key(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    keys, rounds = 12, 4

    def put(commit: int) -> None:
        log.put(*[f"order-{key}/{commit}" for key in range(keys)])

    mapping = engine.map(function, log, BatchSize=5)
    put(1)
    log.split(log.open_shards()[0])
    put(2)
    left, _ = log.open_shards()
    log.split(left)
    put(3)
    low, middle, _ = sorted(
        log.open_shards(), key=lambda s: int(s["HashKeyRange"]["StartingHashKey"])
    )
    log.merge(low, middle)
    put(4)
    report = engine.settle(mapping)
    in_order_per_key(function.values(), keys, rounds)
    states = [shard["state"] for shard in report["shards"].values()]
    assert (states.count("finished"), states.count("reading")) == (4, 2)


def test_a_child_waits_for_its_parents_blocked_records(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(), stage.function(**{"raise": ["order-0/1"]})
    mapping = engine.map(function, log)
    log.put("order-0/1")
    until(lambda: len(function.values()) >= 2, description="retries of the parent's record")
    log.split(log.open_shards()[0])
    log.put("order-0/2", "order-1/1")
    # An update makes the engine list the shards again, the children now among them.
    engine.client.update_mapping(mapping, {"BatchSize": 99})
    until(lambda: len(engine.client.mapping(mapping)["shards"]) == 3, description="three shards")
    tried = len(function.values())
    until(lambda: len(function.values()) >= tried + 2, description="more retries")
    assert set(function.values()) == {"order-0/1"}
    function.plan()
    engine.settle(mapping)
    assert [v for v in function.values() if v != "order-0/1"].count("order-0/2") == 1


def test_parallel_lanes_overlap_and_keep_order_per_key(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(), stage.function(sleep_s=0.3)
    log.put(*[f"order-{n % 8}/{n // 8 + 1}" for n in range(24)])
    mapping = engine.map(function, log, BatchSize=2, ParallelizationFactor=4)
    engine.settle(mapping)
    in_order_per_key(function.values(), 8, 3)
    starts = [invocation["at"] for invocation in function.invocations()]
    assert any(later - start < 0.2 for start, later in pairwise(starts))


def test_a_blocked_lane_holds_the_checkpoint_but_not_the_other_lanes(
    stage: Stage, own_engine: RunningEngine
) -> None:
    log, function = stage.kinesis_stream(), stage.function(**{"raise": ["order-0/1"]})
    mapping = own_engine.map(function, log, BatchSize=1, ParallelizationFactor=10)
    values = [f"order-{n}/{commit}" for commit in range(1, 6) for n in range(20)]
    log.put(*values)
    until(lambda: len(set(function.values())) >= 70, description="the other lanes")
    assert {v for v in function.values() if v.startswith("order-0/")} == {"order-0/1"}
    shard = next(iter(own_engine.client.mapping(mapping)["shards"].values()))
    assert shard["checkpoint"] is None
    assert shard["outstanding"] == 100
    assert shard["iterator_age_ms"] > 0
    own_engine.kill()
    function.plan()
    own_engine.start()
    own_engine.settle(mapping)
    assert set(function.values()) == set(values)


def test_a_window_gathers_a_full_batch(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    mapping = engine.map(function, log, BatchSize=6, MaximumBatchingWindowInSeconds=30)
    for n in range(6):
        log.put(f"order-{n}/1")
    engine.settle(mapping)
    assert [len(batch) for batch in function.batches()] == [6]


def test_a_window_that_passes_sends_what_there_is(stage: Stage, engine: RunningEngine) -> None:
    log, function = stage.kinesis_stream(), stage.function()
    mapping = engine.map(function, log, BatchSize=100, MaximumBatchingWindowInSeconds=1)
    log.put("order-0/1")
    log.put("order-1/1")
    engine.settle(mapping)
    assert function.batches() == [["order-0/1", "order-1/1"]]
