"""The streams that functions read: a table's changes, and the ordered log of Kinesis.

Both are shards of records. DynamoDB's keeps the order of the changes of one item; two commits of a
stream are two items, so a later one may come out first as long as none of them was read.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import md5
from typing import Any, TypeAlias

from bitacora.delivery.records import Record
from bitacora.delivery.shards import Shard
from bitacora.simulation.cloud.calls import Calls
from bitacora.simulation.faults import Fault

# A record as the function's event holds it.
Event: TypeAlias = dict[str, Any]
HASHES = 1 << 128
# What is written meanwhile arrives together.
ARRIVES_AFTER_MS = 100


@dataclass
class Log:
    """A shard's records in their order, for keys whose hash is in `first` … `last`."""

    id: str
    first: int
    last: int
    parents: tuple[str, ...] = ()
    closed: bool = False
    records: list[Record] = field(default_factory=list)


class Shards:
    """The shards of a stream, and what each record looks like in a function's event.

    `expires`: records may be gone before they were read, and what they said is told otherwise.
    """

    expires = False

    def __init__(self, count: int = 1) -> None:
        width = HASHES // count
        self.logs = {
            f"shard-{n + 1}": Log(f"shard-{n + 1}", n * width, (n + 1) * width - 1)
            for n in range(count)
        }
        self.events: dict[str, Event] = {}

    def listed(self) -> list[Shard]:
        return [Shard(one.id, one.parents, one.closed) for one in self.logs.values()]

    @property
    def count(self) -> int:
        """Of the records in all shards."""
        return len(self.events)

    def settle(self) -> None:
        """What has arrived is there to be read, in its final order."""

    def arrives_ms(self) -> int | None:
        """When there is more to settle; None when there is nothing on its way."""
        return None

    def add(self, log: Log, key: str, now_s: float, event: Callable[[str], Event]) -> str:
        """The sequence number that the record has."""
        sequence = f"{self.count + 1:06d}"
        self.events[sequence] = event(sequence)
        log.records.append(Record(sequence, key, now_s, b""))
        return sequence


class ChangeStream(Shards):
    """What changed in a table; one shard is enough, for its order says nothing."""

    def __init__(self, calls: Calls, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._calls = calls
        self._now_ms = now_ms
        self._coming: list[tuple[str, Event]] = []
        self._arrive_ms = 0

    def changed(self, key: Event, old: Event | None, new: Event) -> None:
        """A write: `old` is what stood there."""
        body = {"Keys": key, "NewImage": _plain(new)}
        if old is not None:
            body["OldImage"] = _plain(old)
        event = {"eventName": "MODIFY" if old else "INSERT", "dynamodb": body}
        (partition,) = key["stream"].values()
        if not self._coming:
            self._arrive_ms = self._now_ms() + ARRIVES_AFTER_MS
        place = len(self._coming)
        earlier = [place for place, (name, _) in enumerate(self._coming) if name == partition]
        if old is None and earlier and self._calls.befalls(Fault.REORDERED_STREAM, partition):
            place = earlier[self._calls.which("shown before", len(earlier))]
        self._coming.insert(place, (partition, event))

    def settle(self) -> None:
        if not self._coming or self._now_ms() < self._arrive_ms:
            return
        (log,) = self.logs.values()
        for partition, event in self._coming:
            self.add(log, partition, self._now_ms() / 1000, partial(_numbered, event))
        self._coming.clear()

    def arrives_ms(self) -> int | None:
        return self._arrive_ms if self._coming else None


class Kinesis(Shards):
    """The client of Kinesis, and the stream that it writes to: of so many shards at first."""

    expires = True

    def __init__(self, calls: Calls, now_ms: Callable[[], int], shards: int = 1) -> None:
        super().__init__(shards)
        self._calls = calls
        self._now_ms = now_ms

    def put_records(self, **request: Any) -> dict[str, Any]:
        records = request["Records"]

        def effect() -> dict[str, Any]:
            self._reshard()
            refused = some(self._calls, Fault.PARTIAL_PUT_RECORDS, "log", len(records))
            answers = [
                {"ErrorCode": "ProvisionedThroughputExceededException"}
                if place in refused
                else self._put(record["PartitionKey"], record["Data"])
                for place, record in enumerate(records)
            ]
            return {"FailedRecordCount": len(refused), "Records": answers}

        about = ", ".join(record["PartitionKey"] for record in records)
        return self._calls.call("kinesis.PutRecords", about, effect)

    def _put(self, key: str, data: bytes) -> dict[str, str]:
        place = int.from_bytes(md5(key.encode(), usedforsecurity=False).digest())
        log = next(
            one for one in self.logs.values() if not one.closed and one.first <= place <= one.last
        )
        encoded = base64.b64encode(data).decode()
        sequence = self.add(
            log,
            key,
            self._now_ms() / 1000,
            lambda sequence: {
                "kinesis": {"partitionKey": key, "sequenceNumber": sequence, "data": encoded}
            },
        )
        return {"ShardId": log.id, "SequenceNumber": sequence}

    def _reshard(self) -> None:
        """Source: Kinesis developer guide, "Reshard a stream": the parents close, children open."""
        standing = sorted(
            (one for one in self.logs.values() if not one.closed), key=lambda one: one.first
        )
        if len(standing) < 4 and self._calls.befalls(Fault.SHARD_SPLIT, "log"):
            parent = standing[self._calls.which("shard", len(standing))]
            middle = (parent.first + parent.last) // 2
            self._replace([parent], [(parent.first, middle), (middle + 1, parent.last)])
        elif len(standing) > 1 and self._calls.befalls(Fault.SHARD_MERGE, "log"):
            place = self._calls.which("shard", len(standing) - 1)
            left, right = standing[place : place + 2]
            self._replace([left, right], [(left.first, right.last)])

    def _replace(self, parents: list[Log], ranges: list[tuple[int, int]]) -> None:
        for parent in parents:
            parent.closed = True
        for first, last in ranges:
            name = f"shard-{len(self.logs) + 1}"
            self.logs[name] = Log(name, first, last, tuple(parent.id for parent in parents))


def some(calls: Calls, fault: Fault, about: str, count: int) -> set[int]:
    """Which of `count` entries of a call are refused: none, or at least one."""
    if not calls.befalls(fault, about):
        return set()
    subset = 1 + calls.which("refused entries", 2 ** min(count, 10) - 1)
    return {place for place in range(count) if subset >> place & 1}


def _plain(item: Mapping[str, Any]) -> Event:
    """An item as the event of a function holds it: binary as base64."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }


def _numbered(event: Event, sequence: str) -> Event:
    return {**event, "dynamodb": {**event["dynamodb"], "SequenceNumber": sequence}}
