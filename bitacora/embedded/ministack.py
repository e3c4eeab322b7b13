"""MiniStack with a corrected Kinesis and polls that wait: `python -m bitacora.embedded.ministack`.

MiniStack 1.5.33 deletes the parents of a split, a merge or an UpdateShardCount together with their
records; Kinesis closes them and keeps the records until retention. An idle poll leaks an iterator
and walks over every record kept. Both are corrected here by replacing functions of
`ministack.services.kinesis`, which are private: the version is checked exactly, and a missing
function ends the start. Polls of a stream wait for records when they ask to (long_polls.py).
Nothing else of MiniStack is touched; all its settings are its own environment variables
(GATEWAY_PORT, BIND_HOST, AUTH, …).

Exit codes: MiniStack's own, and 3 when the installed MiniStack is not the one this file knows.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from itertools import pairwise
from typing import Any

from bitacora.embedded.long_polls import let_polls_wait

VERSION = "1.5.33"
EXPIRY_INTERVAL_S = 60.0
REPLACED = (
    "_describe_stream_summary",
    "_expire_iterators",
    "_expire_records",
    "_get_records",
    "_merge_shards",
    "_route_to_shard",
    "_shard_out",
    "_split_shard",
    "_update_shard_count",
)
USED = ("_next_sequence_number", "_resolve_stream", "_shard_iterators", "_streams", "MAX_HASH_KEY")

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Response]


class UnknownMiniStack(Exception):
    """The installed MiniStack is not the one whose functions are replaced here."""


def check(version: str, kinesis: Any) -> None:
    """Raise UnknownMiniStack unless `kinesis` is the module that `correct` was written for."""
    if version != VERSION:
        raise UnknownMiniStack(
            f"MiniStack {version} is installed, but only {VERSION} can be corrected. "
            f"Install that one: pip install ministack=={VERSION}"
        )
    missing = [name for name in (*REPLACED, *USED) if not hasattr(kinesis, name)]
    if missing:
        raise UnknownMiniStack(f"MiniStack {version} has no kinesis.{', kinesis.'.join(missing)}")


def is_open(shard: dict[str, Any]) -> bool:
    return "closed_at" not in shard


def correct(kinesis: Any) -> None:
    """Replace the faulty functions of the module `ministack.services.kinesis`."""
    _keep_parents(kinesis)
    _end_closed_shards(kinesis)
    _make_polls_cheap(kinesis)


def _keep_parents(kinesis: Any) -> None:
    """A reshard closes the parents and keeps them with their records."""

    def closing(reshard: Handler, parent_fields: tuple[str, ...]) -> Handler:
        def handler(data: dict[str, Any]) -> Response:
            _, stream = kinesis._resolve_stream(data)
            names = [data.get(field) for field in parent_fields]
            parents = (
                {n: stream["shards"][n] for n in names if n in stream["shards"]} if stream else {}
            )
            closed = [name for name, shard in parents.items() if not is_open(shard)]
            if closed:
                return _refusal(kinesis, "ResourceInUseException", f"Shard {closed[0]} is closed")
            response: Response = reshard(data)
            for name, shard in parents.items():
                if name not in stream["shards"]:
                    shard["closed_at"] = kinesis._next_sequence_number()
                    stream["shards"][name] = shard
            return response

        return handler

    def route_to_shard(hash_key: int, stream: dict[str, Any]) -> str:
        for name, shard in stream["shards"].items():
            low, high = int(shard["starting_hash_key"]), int(shard["ending_hash_key"])
            if is_open(shard) and low <= hash_key <= high:
                return str(name)
        raise LookupError(f"no open shard of {stream['StreamName']} covers hash key {hash_key}")

    summary: Handler = kinesis._describe_stream_summary

    def describe_stream_summary(data: dict[str, Any]) -> Response:
        status, headers, body = summary(data)
        _, stream = kinesis._resolve_stream(data)
        if status != 200 or not stream:
            return status, headers, body
        answer = json.loads(body)
        count = sum(is_open(shard) for shard in stream["shards"].values())
        answer["StreamDescriptionSummary"]["OpenShardCount"] = count
        return _answer(kinesis, answer)

    kinesis._split_shard = closing(kinesis._split_shard, ("ShardToSplit",))
    kinesis._merge_shards = closing(kinesis._merge_shards, ("ShardToMerge", "AdjacentShardToMerge"))
    kinesis._update_shard_count = _shard_count_updater(kinesis)
    kinesis._route_to_shard = route_to_shard
    kinesis._describe_stream_summary = describe_stream_summary


def _shard_count_updater(kinesis: Any) -> Handler:
    """UpdateShardCount as AWS does it: a series of splits and merges to equal ranges."""

    def open_shards(stream: dict[str, Any]) -> list[tuple[int, int, str]]:
        """Open shards by range: (low, high, name)."""
        return sorted(
            (int(shard["starting_hash_key"]), int(shard["ending_hash_key"]), name)
            for name, shard in stream["shards"].items()
            if is_open(shard)
        )

    def update_shard_count(data: dict[str, Any]) -> Response:
        name, stream = kinesis._resolve_stream(data)
        if not stream:
            return _refusal(kinesis, "ResourceNotFoundException", f"Stream {name} not found")
        target = data.get("TargetShardCount")
        if not isinstance(target, int) or target < 1:
            return _refusal(kinesis, "ValidationException", "TargetShardCount must be >= 1")
        before = len(open_shards(stream))
        size = (kinesis.MAX_HASH_KEY + 1) // target
        starts = [index * size for index in range(target)]
        for start in starts:
            for low, high, shard in open_shards(stream):
                if low < start <= high:
                    split = {"ShardToSplit": shard, "NewStartingHashKey": str(start)}
                    kinesis._split_shard({"StreamARN": stream["StreamARN"], **split})
        merging = True
        while merging:
            merging = False
            shards = open_shards(stream)
            for (_, _, left), (low, _, right) in pairwise(shards):
                if low not in starts:
                    pair = {"ShardToMerge": left, "AdjacentShardToMerge": right}
                    kinesis._merge_shards({"StreamARN": stream["StreamARN"], **pair})
                    merging = True
                    break
        return _answer(
            kinesis,
            {
                "StreamName": stream["StreamName"],
                "StreamARN": stream["StreamARN"],
                "CurrentShardCount": before,
                "TargetShardCount": target,
            },
        )

    return update_shard_count


def _end_closed_shards(kinesis: Any) -> None:
    """The last page of a closed shard has no NextShardIterator, and names the children."""
    shard_out = kinesis._shard_out
    get_records: Handler = kinesis._get_records

    def closed_shard_out(name: str, shard: dict[str, Any]) -> dict[str, Any]:
        described: dict[str, Any] = shard_out(name, shard)
        if not is_open(shard):
            described["SequenceNumberRange"]["EndingSequenceNumber"] = shard["closed_at"]
        return described

    def children(stream: dict[str, Any], parent: str) -> list[dict[str, Any]]:
        found = []
        for name, shard in stream["shards"].items():
            parents = [shard.get("parent_shard_id"), shard.get("adjacent_parent_shard_id")]
            if parent in parents:
                span = (shard["starting_hash_key"], shard["ending_hash_key"])
                keys = dict(zip(("StartingHashKey", "EndingHashKey"), span, strict=True))
                found.append(
                    {
                        "ShardId": name,
                        "ParentShards": [p for p in parents if p],
                        "HashKeyRange": keys,
                    }
                )
        return found

    def get_records_to_the_end(data: dict[str, Any]) -> Response:
        token = data.get("ShardIterator")
        state = kinesis._shard_iterators.get(token)
        status, headers, body = get_records(data)
        if not state or status != 200:
            return status, headers, body
        answer = json.loads(body)
        stream = kinesis._streams.get(state["stream"])
        shard = stream["shards"][state["shard_id"]]
        following = kinesis._shard_iterators[answer["NextShardIterator"]]
        if not is_open(shard) and following["position"] >= len(shard["records"]):
            del kinesis._shard_iterators[answer.pop("NextShardIterator")]
            answer["ChildShards"] = children(stream, state["shard_id"])
            return _answer(kinesis, answer)
        if not answer["Records"]:
            # An idle poll goes on with its own iterator: twenty a second would leave thousands.
            del kinesis._shard_iterators[answer["NextShardIterator"]]
            state["created_at"] = time.time()
            answer["NextShardIterator"] = token
            return _answer(kinesis, answer)
        return status, headers, body

    kinesis._shard_out = closed_shard_out
    kinesis._get_records = get_records_to_the_end


def _make_polls_cheap(kinesis: Any) -> None:
    """Records and iterators expire once a minute; a poll does not walk over all of them."""
    expire_iterators = kinesis._expire_iterators
    done_at: dict[str, float] = {}

    def due(what: str) -> bool:
        now = time.monotonic()
        if now - done_at.get(what, -EXPIRY_INTERVAL_S) < EXPIRY_INTERVAL_S:
            return False
        done_at[what] = now
        return True

    def expire_records(stream: dict[str, Any]) -> None:
        if not due(stream["StreamARN"]):
            return
        cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
        for name, shard in stream["shards"].items():
            records = shard["records"]
            live = [r for r in records if r["ApproximateArrivalTimestamp"] >= cutoff]
            expired, shard["records"] = len(records) - len(live), live
            if expired:
                _shift_iterators(kinesis, stream["StreamName"], name, expired)

    def expire_iterators_seldom() -> None:
        if due("iterators"):
            expire_iterators()

    kinesis._expire_records = expire_records
    kinesis._expire_iterators = expire_iterators_seldom


def _shift_iterators(kinesis: Any, stream_name: str, shard_id: str, expired: int) -> None:
    """Positions are list indexes: without this, expiry would make readers skip live records."""
    for state in kinesis._shard_iterators.values():
        if (state["stream"], state["shard_id"]) == (stream_name, shard_id):
            state["position"] = max(0, state["position"] - expired)


def _answer(kinesis: Any, body: dict[str, Any]) -> Response:
    response: Response = kinesis.json_response(body)
    return response


def _refusal(kinesis: Any, code: str, message: str) -> Response:
    response: Response = kinesis.error_response_json(code, message, 400)
    return response


def main() -> int:
    from ministack import app
    from ministack.services import dynamodb, dynamodb_streams, kinesis

    try:
        check(metadata.version("ministack"), kinesis)
    except UnknownMiniStack as error:
        print(error, file=sys.stderr)
        return 3
    correct(kinesis)
    let_polls_wait(dynamodb, dynamodb_streams, kinesis)
    app.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
