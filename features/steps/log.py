"""The log: what stands in it, and shards that are split and merged."""

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pytest_bdd import given, parsers, then, when

from bitacora.audit.until import until
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.steps.orders import orders_live

RESHARDED_WITHIN_S = 30
LATE_MS = 400
HALF = 2**127


@given("the delivery of one shard is late")
def one_shard_is_late(kit: Kit) -> None:
    shard = min(kit.mapping("projector")["shards"])
    kit.fault("projector", "delay_ms", ms=LATE_MS, shard=shard)


@when(
    parsers.parse(
        "{count:d} orders live their life while the log's shard is split and merged again"
    )
)
def reshard(kit: Kit, scene: Scene, count: int) -> None:
    with ThreadPoolExecutor(1) as background:
        living = background.submit(orders_live, kit, scene, count)
        until("something was accepted", lambda: len(kit.history.exchanges), bool, at_most_s=60)
        [whole] = _open_shards(kit)
        _change(kit, "split_shard", ShardToSplit=whole, NewStartingHashKey=str(HALF))
        left, right = _open_shards(kit)
        _change(kit, "merge_shards", ShardToMerge=left, AdjacentShardToMerge=right)
        living.result()
    assert len(_open_shards(kit)) == 1
    kit.witness.saw("shards that were opened", 3)


def _change(kit: Kit, operation: str, **arguments: str) -> None:
    kinesis, name = kit.target.client("kinesis"), kit.outputs["log_stream"]
    getattr(kinesis, operation)(StreamName=name, **arguments)
    until(
        "the log is active again",
        lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"],
        lambda told: told["StreamStatus"] == "ACTIVE",
        at_most_s=RESHARDED_WITHIN_S,
    )


def _shards(kit: Kit) -> Iterator[dict[str, Any]]:
    kinesis = kit.target.client("kinesis")
    pages = kinesis.get_paginator("list_shards")
    for page in pages.paginate(StreamName=kit.outputs["log_stream"]):
        yield from page["Shards"]


def _open_shards(kit: Kit) -> list[str]:
    """By their range of hash keys."""
    found = [
        shard
        for shard in _shards(kit)
        if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    ]
    found.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
    return [shard["ShardId"] for shard in found]


@then("in the log the commits of each order stand in order")
def in_order(kit: Kit, scene: Scene) -> None:
    wrong = _out_of_order(kit, scene)
    assert not wrong, f"commits in the order of the log: {wrong}"


@then("commits really reached the log before earlier ones of their order")
def out_of_order(kit: Kit, scene: Scene) -> None:
    kit.witness.struck(
        "a commit stands in the log before an earlier one", len(_out_of_order(kit, scene))
    )


def _out_of_order(kit: Kit, scene: Scene) -> dict[str, list[int]]:
    """Commits of streams where an earlier one follows a later one. Repeats may stand anywhere; what
    counts is where a commit stands first."""
    first: defaultdict[str, list[int]] = defaultdict(list)
    for _, stream, commits in sorted(_records(kit)):
        for commit in commits:
            if stream in scene.streams and commit not in first[stream]:
                first[stream].append(commit)
    assert first.keys() == scene.streams
    kit.witness.saw("commits in the log", sum(map(len, first.values())))
    return {stream: found for stream, found in first.items() if found != sorted(found)}


def _records(kit: Kit) -> Iterator[tuple[int, str, list[int]]]:
    """Sequence number, stream and commits of every record of every shard, closed ones too."""
    kinesis = kit.target.client("kinesis")
    for shard in _shards(kit):
        iterator = kinesis.get_shard_iterator(
            StreamName=kit.outputs["log_stream"],
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        while iterator:
            page = kinesis.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                commits = [each["commit"] for each in json.loads(record["Data"])["commits"]]
                yield int(record["SequenceNumber"]), record["PartitionKey"], commits
            iterator = page.get("NextShardIterator")
            if not page["Records"] and not page.get("MillisBehindLatest"):
                break
