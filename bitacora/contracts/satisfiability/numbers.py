"""Is there a number between these limits, a multiple of these, none of those? Which?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import Any

LARGEST_SEARCH = 10_000
ENOUGH = 1_000


@dataclass
class Numbers:
    """Demands on a number. A bound is (value, whether the value itself is in)."""

    low: tuple[Fraction, bool] | None = None
    high: tuple[Fraction, bool] | None = None
    whole: bool | None = None
    multiples: list[Fraction] = field(default_factory=list)
    no_multiples: list[Fraction] = field(default_factory=list)

    def copy(self) -> "Numbers":
        kept, refused = list(self.multiples), list(self.no_multiples)
        return Numbers(self.low, self.high, self.whole, kept, refused)

    def at_least(self, value: Any, included: bool) -> None:
        bound = (exact(value), included)
        # At the same value, the one that leaves it out is narrower.
        if self.low is None or (bound[0], not included) > (self.low[0], not self.low[1]):
            self.low = bound

    def at_most(self, value: Any, included: bool) -> None:
        bound = (exact(value), included)
        if self.high is None or (bound[0], included) < (self.high[0], self.high[1]):
            self.high = bound

    def admits(self, value: Fraction) -> bool:
        if self.low and not (value > self.low[0] or (self.low[1] and value == self.low[0])):
            return False
        if self.high and not (value < self.high[0] or (self.high[1] and value == self.high[0])):
            return False
        if self.whole is not None and self.whole != (value.denominator == 1):
            return False
        return all(value % each == 0 for each in self.multiples) and all(
            value % each != 0 for each in self.no_multiples
        )

    def step(self) -> Fraction | None:
        """What every admitted number is a multiple of; None when they lie everywhere."""
        steps = [*self.multiples, *([Fraction(1)] if self.whole else [])]
        if not steps:
            return None
        common = lcm(*(each.numerator for each in steps))
        return Fraction(common, gcd(*(each.denominator for each in steps)))

    def members(self) -> Iterator[Fraction]:
        """Admitted numbers, small ones first. When it ends, `complete` says if that is all."""
        step = self.step()
        candidates = self._everywhere() if step is None else self._multiples_of(step)
        yield from (each for each in candidates if self.admits(each))

    @property
    def complete(self) -> bool:
        """Whether `members` gives every admitted number, or more of them than anyone asks for."""
        step = self.step()
        if step is None:
            return True
        if any(step % each == 0 for each in self.no_multiples):
            return True
        count = self._count(step)
        return self._period(step) <= LARGEST_SEARCH or (
            count is not None and count <= LARGEST_SEARCH
        )

    def _period(self, step: Fraction) -> int:
        """After so many multiples of `step` it repeats which of them are admitted."""
        return lcm(*(int((each / step).numerator) for each in self.no_multiples), 1)

    def _count(self, step: Fraction) -> int | None:
        if self.low is None or self.high is None:
            return None
        return floor(self.high[0] / step) - ceil(self.low[0] / step) + 1

    def _multiples_of(self, step: Fraction) -> Iterator[Fraction]:
        first = ceil(self.low[0] / step) if self.low else None
        last = floor(self.high[0] / step) if self.high else None
        if first is not None and last is not None and first > last:
            return
        # From the smallest in size outwards.
        start = max(first, 0) if first is not None else 0
        start = min(start, last) if last is not None else start
        # Two periods and some more hold as many as anyone asks for, or none.
        for distance in range(min(2 * self._period(step) + ENOUGH, 2 * LARGEST_SEARCH)):
            beyond = 0
            for count in {start + distance, start - distance}:
                if (first is None or count >= first) and (last is None or count <= last):
                    yield count * step
                else:
                    beyond += 1
            if beyond == (1 if distance == 0 else 2):
                return

    def _everywhere(self) -> Iterator[Fraction]:
        """Dense: whole numbers in reach, the bounds, then halves, quarters … between them."""
        low = self.low[0] if self.low else (self.high[0] - 64 if self.high else Fraction(-32))
        high = self.high[0] if self.high else low + 128
        if low > high:
            return
        seen: set[Fraction] = set()
        small = [Fraction(count, 2) for count in (*range(0, 65), *range(-6, 0))]
        for candidate in [*small, low, high, *(Fraction(ceil(low) + count) for count in range(8))]:
            if low <= candidate <= high and candidate not in seen:
                seen.add(candidate)
                yield candidate
        for power in range(1, 13):
            for count in range(1, 2**power, 2):
                candidate = low + (high - low) * Fraction(count, 2**power)
                if candidate not in seen:
                    seen.add(candidate)
                    yield candidate


def exact(value: Any) -> Fraction:
    """A JSON number as it is written: 0.1 is a tenth."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
