"""MiniStack's Kinesis as the kit starts it: no reshard loses a record."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from bitacora.embedded.ministack import REPLACED, USED, VERSION, UnknownMiniStack, check
from tests.delivery.stage import KinesisStream, Stage


def read_all(log: KinesisStream) -> dict[str, list[str]]:
    """Every shard from its horizon to its end, or to nothing more."""
    found = {}
    for shard in log.shards():
        page = log.client.get_shard_iterator(
            StreamName=log.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        iterator, values = page["ShardIterator"], []
        while iterator:
            page = log.client.get_records(ShardIterator=iterator, Limit=3)
            values += [record["Data"].decode() for record in page["Records"]]
            iterator = page.get("NextShardIterator") if page["Records"] else None
        found[shard["ShardId"]] = values
    return found


def all_values(log: KinesisStream) -> list[str]:
    return sorted(value for values in read_all(log).values() for value in values)


def put(log: KinesisStream, generation: int) -> list[str]:
    values = [f"key-{n}/{generation}" for n in range(10)]
    log.put(*values)
    return values


def test_split_and_merge_keep_the_parents_records(stage: Stage) -> None:
    log = stage.kinesis_stream()
    written = put(log, 1)
    (parent,) = log.open_shards()
    log.split(parent)
    written += put(log, 2)
    low, high = log.open_shards()
    log.merge(low, high)
    written += put(log, 3)
    assert all_values(log) == sorted(written)
    assert len(log.shards()) == 4
    (child,) = log.open_shards()
    assert {child["ParentShardId"], child["AdjacentParentShardId"]} == {
        low["ShardId"],
        high["ShardId"],
    }
    assert len(read_all(log)[child["ShardId"]]) == 10


@pytest.mark.parametrize("target", [1, 2, 3, 5])
def test_update_shard_count_keeps_every_record_and_splits_evenly(stage: Stage, target: int) -> None:
    log = stage.kinesis_stream(shards=3)
    written = put(log, 1)
    log.client.update_shard_count(
        StreamName=log.name, TargetShardCount=target, ScalingType="UNIFORM_SCALING"
    )
    written += put(log, 2)
    assert all_values(log) == sorted(written)
    summary = log.client.describe_stream_summary(StreamName=log.name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == len(log.open_shards()) == target
    ranges = sorted(
        (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
        for s in log.open_shards()
    )
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 2**128 - 1
    assert all(end + 1 == start for (_, end), (start, _) in itertools.pairwise(ranges))


def test_the_last_page_of_a_closed_shard_ends_it_and_names_its_children(stage: Stage) -> None:
    log = stage.kinesis_stream()
    put(log, 1)
    (parent,) = log.open_shards()
    log.split(parent)
    iterator = log.client.get_shard_iterator(
        StreamName=log.name, ShardId=parent["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    page = log.client.get_records(ShardIterator=iterator)
    assert len(page["Records"]) == 10
    assert "NextShardIterator" not in page
    children = {child["ShardId"]: child["ParentShards"] for child in page["ChildShards"]}
    assert children == {s["ShardId"]: [parent["ShardId"]] for s in log.open_shards()}


def test_a_closed_shard_can_not_be_split_again(stage: Stage) -> None:
    log = stage.kinesis_stream()
    (parent,) = log.open_shards()
    log.split(parent)
    with pytest.raises(log.client.exceptions.ResourceInUseException):
        log.split(parent)


def test_an_idle_iterator_stays_and_still_finds_the_next_record(stage: Stage) -> None:
    log = stage.kinesis_stream()
    iterator = log.client.get_shard_iterator(
        StreamName=log.name,
        ShardId=log.shards()[0]["ShardId"],
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    for _ in range(3):
        page = log.client.get_records(ShardIterator=iterator)
        assert page["Records"] == []
        iterator = page["NextShardIterator"]
    log.put("key/1")
    page = log.client.get_records(ShardIterator=iterator)
    assert [record["Data"] for record in page["Records"]] == [b"key/1"]
    assert log.client.get_records(ShardIterator=page["NextShardIterator"])["Records"] == []


def test_another_version_or_a_missing_function_is_refused() -> None:
    complete: Any = SimpleNamespace(**dict.fromkeys((*REPLACED, *USED)))
    check(VERSION, complete)
    with pytest.raises(UnknownMiniStack, match=r"MiniStack 1\.5\.34"):
        check("1.5.34", complete)
    del complete._split_shard
    with pytest.raises(UnknownMiniStack, match="_split_shard"):
        check(VERSION, complete)
