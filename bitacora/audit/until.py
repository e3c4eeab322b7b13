"""Waiting that is bounded and says what it last saw."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0


class NotInTime(Exception):
    """What was awaited did not come; `last` is the last observation."""

    def __init__(self, awaited: str, at_most_s: float, last: Any) -> None:
        super().__init__(f"not within {at_most_s} s: {awaited}; last seen: {last}")
        self.last = last


def until(
    awaited: str,
    observe: Callable[[], T],
    holds: Callable[[T], bool],
    *,
    at_most_s: float,
    pause_s: float = PAUSE_S,
) -> T:
    """Observe again and again until it holds, and return that observation. Raises NotInTime.

    After a look that took long, the pause is as long, up to a second: looking is work for others.
    """
    deadline = time.monotonic() + at_most_s
    while True:
        began = time.monotonic()
        last = observe()
        if holds(last):
            return last
        now = time.monotonic()
        if now >= deadline:
            raise NotInTime(awaited, at_most_s, last)
        time.sleep(max(pause_s, min(now - began, LONGEST_PAUSE_S)))
