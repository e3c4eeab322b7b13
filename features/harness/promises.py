"""The thirty promises by number: what a tag like @promise-12 on a scenario stands for."""

import re
from typing import Any

TAG = re.compile(r"promise-(\d+)")
PROMISES = {
    1: "Only one of many concurrent appends wins",
    2: "Every order's history is linearizable under mixed load",
    3: "A lost answer is recognised as committed",
    4: "Several events of one command are all or nothing",
    5: "The same Idempotency-Key gives the same answer and one effect",
    6: "No accepted event is missing downstream, on either way",
    7: "Repeated batches change nothing",
    8: "Reordered events are applied in version order",
    9: "A crash between effect and checkpoint repeats nothing",
    10: "A partly failed PutRecords or PutEvents neither loses nor reorders",
    11: "A reshard keeps the order of each stream",
    12: "A read with a version token sees that version or says that it cannot yet",
    13: "Reads never go backwards",
    14: "Lag stays under its bound at the stated load",
    15: "The read side converges after faults stop",
    16: "A rebuilt read model equals the live one row by row",
    17: "A rebuild during writes loses nothing and stops no reader",
    18: "The state as of any past version or moment equals the replay",
    19: "A poisoned order does not delay the others",
    20: "Dead letters redriven in any order lose and repeat nothing",
    21: "A stream stalled towards its retention raises an alarm first",
    22: "A customer never reads or changes another's order",
    23: "Every version ever stored still loads",
    24: "Stepwise upcasting equals direct",
    25: "Old and new consumers run together",
    26: "A breaking schema change is refused with a counterexample",
    27: "Deleting or altering any stored event is detected",
    28: "Every effect traces back by causation to its command",
    29: "After an erasure no personal value is recoverable, and replay works",
    30: "Clock skew changes no order",
}


def promise_of(tags: Any) -> int | None:
    """The promise that a scenario keeps, by its tags (an iterable of texts)."""
    numbers = [int(found[1]) for tag in tags if (found := TAG.fullmatch(tag))]
    if len(numbers) > 1 or set(numbers) - PROMISES.keys():
        raise ValueError(f"a scenario keeps one of the {len(PROMISES)} promises, not {numbers}")
    return numbers[0] if numbers else None
