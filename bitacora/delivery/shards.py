"""Shards: what a stream lists, what is known of each, and which may be read now.

A child is read only after its parents are finished, so that order per key survives a split or a
merge (AWS Lambda developer guide, with-kinesis; Kinesis developer guide, «data routing, data
persistence and shard state after a reshard»).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bitacora.delivery.mapping import Mapping as EventSourceMapping


@dataclass(frozen=True)
class Shard:
    """A shard as the stream lists it. A closed one takes no new records."""

    id: str
    parents: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True)
class ShardState:
    """What is kept of a shard. `start` is a starting position; `since` (epoch seconds) belongs to
    AT_TIMESTAMP, and to LATEST: where to go on when it was `opened` and nothing delivered yet."""

    start: str
    since: float | None = None
    opened: bool = False
    checkpoint: str | None = None
    finished: bool = False


@dataclass(frozen=True)
class Position:
    """Where to read: `kind` is TRIM_HORIZON, LATEST, AT_TIMESTAMP (`since`) or AFTER (`after`)."""

    kind: str
    since: float | None = None
    after: str | None = None


def discovered(
    listed: Iterable[Shard],
    known: Mapping[str, ShardState],
    mapping: EventSourceMapping,
    now: float,
) -> dict[str, ShardState]:
    """The states after a listing: new shards join, those that are gone finish and then leave.

    The mapping's starting position is for the shards of the first listing. A shard that appears
    later is a child: it is read from its beginning.
    """
    listing = {shard.id: shard for shard in listed}
    states: dict[str, ShardState] = {}
    for name, state in known.items():
        if name in listing:
            states[name] = state
        elif not state.finished:
            states[name] = replace(state, finished=True)
    for name, shard in listing.items():
        if name in states:
            continue
        if known or mapping.start == "TRIM_HORIZON":
            states[name] = ShardState("TRIM_HORIZON")
        elif mapping.start == "LATEST":
            states[name] = ShardState("LATEST", since=now, finished=shard.closed)
        else:
            states[name] = ShardState("AT_TIMESTAMP", since=mapping.start_at)
    return states


def readable(listed: Iterable[Shard], states: Mapping[str, ShardState]) -> list[str]:
    """Ids of the shards to read now: not finished, and no parent has records left to deliver."""
    return [
        shard.id
        for shard in listed
        if not states[shard.id].finished
        and all(parent not in states or states[parent].finished for parent in shard.parents)
    ]


def position(state: ShardState, last_read: str | None) -> Position:
    """Where an iterator must start; `last_read` is what this process has read already. LATEST may
    be asked for once only, or a restart before the first record would skip what came between."""
    after = last_read or state.checkpoint
    if after:
        return Position("AFTER", after=after)
    if state.start == "LATEST" and state.opened:
        return Position("AT_TIMESTAMP", since=state.since)
    return Position(state.start, since=state.since)
