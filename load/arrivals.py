"""When orders arrive: moments in seconds from the start, independent of every answer."""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

Shape: TypeAlias = Callable[[float, float, Random], list[float]]


def steady(rate_per_s: float, duration_s: float, _: Random) -> list[float]:
    """One arrival every 1/rate seconds."""
    return [number / rate_per_s for number in range(round(rate_per_s * duration_s))]


def poisson(rate_per_s: float, duration_s: float, random: Random) -> list[float]:
    """Independent customers: exponential gaps whose mean is 1/rate."""
    moments: list[float] = []
    moment = random.expovariate(rate_per_s)
    while moment < duration_s:
        moments.append(moment)
        moment += random.expovariate(rate_per_s)
    return moments


SHAPES: dict[str, Shape] = {"poisson": poisson, "steady": steady}
