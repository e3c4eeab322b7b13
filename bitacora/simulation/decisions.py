"""Every choice of a history: drawn from one seed, kept, and made again without it.

A choice is named by what is chosen, by whom, and the how manieth such choice of theirs it is. So
what is left of a history when others are taken away still happens where it happened before. Only
choices that are not the quiet one are kept: without any, one process goes on after another and
nothing goes wrong.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Choice(NamedTuple):
    """The `number`th (from 1) choice of its kind that `who` made."""

    what: str
    who: str
    number: int


class Decisions:
    """`made` are the choices that were not quiet, in their order."""

    def __init__(
        self, random: Random | None = None, given: Mapping[Choice, Any] | None = None
    ) -> None:
        """Drawn from `random`; without it, as `given`."""
        self._random = random
        self._given = given or {}
        self._counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._quiet = False
        self.made: dict[Choice, Any] = {}

    def quiet(self) -> None:
        """From now on every choice is the quiet one."""
        self._quiet = True

    def choose(
        self, what: str, who: str, options: Sequence[T] | Callable[[], Sequence[T]], chance: float
    ) -> T | None:
        """One of the options, with a probability of `chance` in all; None is the quiet choice.

        Options that are a function are asked for only when one of them is to be chosen.
        """
        if self._quiet:
            return None
        key = (what, who)
        self._counts[key] = number = self._counts[key] + 1
        if self._random is None:
            if Choice(what, who, number) not in self._given:
                return None
        elif self._random.random() >= chance:
            return None
        choice = Choice(what, who, number)
        possible = options() if callable(options) else options
        if not possible:
            return None
        if self._random is not None:
            chosen = possible[int(self._random.random() * len(possible))]
        elif (chosen := self._given[choice]) not in possible:
            return None
        self.made[choice] = chosen
        return chosen
