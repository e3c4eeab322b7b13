"""What AWS may do to a mapping at any time, on demand and counted.

repeat_batch: the batch is delivered again after it succeeded. lose_answer: the function ran, its
answer is lost, the batch is tried again. delay_ms: each delivery waits. stop and resume: nothing is
delivered in between. reorder: records of different items of a DynamoDB stream change places; those
of one item never do, as DynamoDB Streams promises.
"""

import threading
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from bitacora.delivery.records import Record

COUNTED = ("repeat_batch", "lose_answer", "reorder")
KINDS = (*COUNTED, "delay_ms", "stop", "resume")
MAX_HOLD_MS = 10_000
MAX_DELAY_MS = 600_000
OPTIONS = {
    "repeat_batch": {"times"},
    "lose_answer": {"times"},
    "reorder": {"times", "hold_ms"},
    "delay_ms": {"ms", "shard"},
    "stop": set[str](),
    "resume": set[str](),
}


class InvalidFault(Exception):
    """The fault is refused; the message says why."""


class Faults:
    """The faults of one mapping. Thread-safe."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._armed = dict.fromkeys(COUNTED, 0)
        self._done = dict.fromkeys(COUNTED, 0)
        self._delays_ms: dict[str, int] = {}
        self._hold_ms = 0
        self.stopped = False

    def order(self, kind: str, options: Mapping[str, Any]) -> None:
        """Arm a fault: `times` (default 1, 0 disarms) for repeat_batch, lose_answer and reorder
        (with `hold_ms`, how long records are gathered first); `ms` (0 ends it) and optionally
        `shard` for delay_ms. Raises InvalidFault."""
        if kind not in KINDS:
            raise InvalidFault(f"kind: {kind!r} is none of {', '.join(KINDS)}")
        unknown = sorted(set(options) - OPTIONS[kind])
        if unknown:
            raise InvalidFault(f"{kind} takes no {', '.join(unknown)}")
        if kind == "reorder" and self._source != "dynamodb":
            raise InvalidFault("reorder is for DynamoDB streams: Kinesis keeps a shard's order")
        with self._lock:
            match kind:
                case "stop" | "resume":
                    self.stopped = kind == "stop"
                case "delay_ms":
                    ms = _whole(options, "ms", None, MAX_DELAY_MS)
                    self._delays_ms[str(options.get("shard", "*"))] = ms
                case _:
                    self._armed[kind] = _whole(options, "times", 1, 1_000_000)
                    if kind == "reorder":
                        self._hold_ms = _whole(options, "hold_ms", 200, MAX_HOLD_MS)

    def take(self, kind: str) -> bool:
        """Use one up. False when none is armed."""
        with self._lock:
            if not self._armed[kind]:
                return False
            self._armed[kind] -= 1
            self._done[kind] += 1
            return True

    def armed(self, kind: str) -> bool:
        with self._lock:
            return self._armed[kind] > 0

    def hold_s(self) -> float:
        """How long to gather records before reordering them."""
        with self._lock:
            return self._hold_ms / 1000

    def delay_s(self, shard_id: str) -> float:
        with self._lock:
            ms = self._delays_ms.get(shard_id, self._delays_ms.get("*", 0))
        return ms / 1000

    def report(self) -> dict[str, Any]:
        """{"repeat_batch": {"armed": 0, "done": 2}, …, "stopped": false, "delay_ms": {…}}."""
        with self._lock:
            counts = {k: {"armed": self._armed[k], "done": self._done[k]} for k in COUNTED}
            return {**counts, "stopped": self.stopped, "delay_ms": dict(self._delays_ms)}


def reordered(records: Sequence[Record], random: Random) -> list[Record] | None:
    """Another order of the records that keeps the order of each item (`key`), or None when there
    is none: all records are of one item."""
    if len({record.key for record in records}) < 2:
        return None
    keys = [record.key for record in records]
    random.shuffle(keys)
    if keys == [record.key for record in records]:
        swap = next(i for i in range(1, len(keys)) if keys[i] != keys[i - 1])
        keys[swap - 1], keys[swap] = keys[swap], keys[swap - 1]
    queues: dict[str, list[Record]] = {}
    for record in reversed(records):
        queues.setdefault(record.key, []).append(record)
    return [queues[key].pop() for key in keys]


def _whole(options: Mapping[str, Any], name: str, default: int | None, most: int) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise InvalidFault(f"{name}: {value!r} is no whole number from 0 to {most}")
    return value
