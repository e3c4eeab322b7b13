"""Which shards are read, from where, and in which order after a reshard."""

from dataclasses import replace

from bitacora.delivery.mapping import parse
from bitacora.delivery.shards import Position, Shard, ShardState, discovered, position, readable

REQUEST = {
    "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/log",
    "FunctionName": "projector",
}
HORIZON = parse("m", REQUEST | {"StartingPosition": "TRIM_HORIZON"})
LATEST = parse("m", REQUEST | {"StartingPosition": "LATEST"})
MOMENT = {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 50}
AT_TIMESTAMP = parse("m", REQUEST | MOMENT)

PARENT = Shard("a", closed=True)
CHILDREN = [Shard("b", ("a",)), Shard("c", ("a",))]
MERGED = Shard("d", ("b", "c"))
READ = ShardState("TRIM_HORIZON", checkpoint="7")
FINISHED = ShardState("TRIM_HORIZON", checkpoint="7", finished=True)


def test_the_starting_position_is_for_the_shards_of_the_first_listing() -> None:
    open_shard = Shard("z")
    assert discovered([open_shard], {}, HORIZON, 9.0) == {"z": ShardState("TRIM_HORIZON")}
    assert discovered([open_shard], {}, LATEST, 9.0) == {"z": ShardState("LATEST", since=9.0)}
    assert discovered([open_shard], {}, AT_TIMESTAMP, 9.0) == {
        "z": ShardState("AT_TIMESTAMP", since=50.0)
    }


def test_latest_leaves_closed_shards_alone() -> None:
    states = discovered([PARENT, *CHILDREN], {}, LATEST, 9.0)
    assert readable([PARENT, *CHILDREN], states) == ["b", "c"]


def test_a_child_that_appears_later_is_read_from_its_beginning() -> None:
    states = discovered([PARENT, *CHILDREN], {"a": READ}, LATEST, 9.0)
    assert states == {"a": READ, "b": ShardState("TRIM_HORIZON"), "c": ShardState("TRIM_HORIZON")}


def test_children_wait_until_every_parent_is_finished() -> None:
    listing = [PARENT, *CHILDREN, MERGED]
    states = discovered(listing, {"a": READ}, HORIZON, 9.0)
    assert readable(listing, states) == ["a"]
    states["a"] = FINISHED
    assert readable(listing, states) == ["b", "c"]
    states["b"] = FINISHED
    assert readable(listing, states) == ["c"]
    states["c"] = FINISHED
    assert readable(listing, states) == ["d"]


def test_a_shard_that_is_gone_from_the_listing_blocks_nobody_and_leaves() -> None:
    states = discovered(CHILDREN, {"a": READ}, HORIZON, 9.0)
    assert states["a"].finished
    assert readable(CHILDREN, states) == ["b", "c"]
    assert set(discovered(CHILDREN, states, HORIZON, 9.0)) == {"b", "c"}


def test_reading_goes_on_after_what_was_read_else_after_the_checkpoint() -> None:
    assert position(READ, "9") == Position("AFTER", after="9")
    assert position(READ, None) == Position("AFTER", after="7")


def test_latest_is_asked_for_once_then_the_moment_it_meant() -> None:
    state = ShardState("LATEST", since=9.0)
    assert position(state, None).kind == "LATEST"
    opened = replace(state, opened=True)
    assert position(opened, None) == Position("AT_TIMESTAMP", since=9.0)
