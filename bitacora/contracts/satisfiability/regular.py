"""Regular languages by derivatives: is there a text in them, and which?

Terms are sets of texts, combined with and, or, not; the derivative of a term by a character is the
set of what may follow it. After Brzozowski, "Derivatives of Regular Expressions", JACM 11(4), 1964,
and Owens, Reppy, Turon, "Regular-expression derivatives re-examined", JFP 19(2), 2009.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

# Characters are code points; two more mark where a text begins and ends.
LAST = 0x10FFFF
BEGIN, END = LAST + 1, LAST + 2
# Sorted, apart, both ends included.
Ranges: TypeAlias = tuple[tuple[int, int], ...]

LARGEST_SEARCH = 30_000
# In the order in which a person would like to read them; the last takes what is left.
_PREFERRED: tuple[tuple[int, int], ...] = (
    (ord("a"), ord("z")),
    (ord("A"), ord("Z")),
    (ord("1"), ord("9")),
    (ord("0"), ord("0")),
    (ord("-"), ord("-")),
    (ord("!"), ord("~")),
    (ord(" "), ord(" ")),
    (0x0A, 0x0A),
    (0xC0, 0x24F),
    (0xA1, 0xD7FF),
    (0x0, LAST),
)


class SearchTooLarge(Exception):
    """More states than LARGEST_SEARCH would have to be looked at."""


class Term:
    """A set of texts. Equal terms are one object; `kind` with `parts` says how it is made."""

    __slots__ = ("__dict__", "kind", "nullable", "parts")
    _all: ClassVar[dict[tuple[Any, ...], Term]] = {}

    kind: str
    parts: tuple[Any, ...]
    nullable: bool

    @classmethod
    def make(cls, kind: str, *parts: Any) -> Term:
        key = (kind, *(id(part) if isinstance(part, Term) else part for part in parts))
        term = cls._all.get(key)
        if term is None:
            term = cls._all[key] = cls()
            term.kind, term.parts = kind, parts
            term.nullable = _nullable(kind, parts)
        return term

    @cached_property
    def derivatives(self) -> dict[int, Term]:
        return {}

    @cached_property
    def heads(self) -> frozenset[Ranges]:
        """The sets of characters that the next character is compared with."""
        match self.kind:
            case "chars":
                return frozenset([self.parts[0]])
            case "then":
                first, second = self.parts
                heads: frozenset[Ranges] = first.heads
                return heads | second.heads if first.nullable else heads
            case "repeat" | "not":
                inner: frozenset[Ranges] = self.parts[0].heads
                return inner
            case "or" | "and":
                return frozenset().union(*(part.heads for part in self.parts))
            case _:
                return frozenset()


def _nullable(kind: str, parts: tuple[Any, ...]) -> bool:
    match kind:
        case "empty text":
            return True
        case "then" | "and":
            return all(part.nullable for part in parts)
        case "or":
            return any(part.nullable for part in parts)
        case "repeat":
            return bool(parts[1] == 0 or parts[0].nullable)
        case "not":
            return not parts[0].nullable
        case _:
            return False


NOTHING = Term.make("nothing")
EMPTY_TEXT = Term.make("empty text")


def chars(ranges: Iterable[tuple[int, int]]) -> Term:
    """One character of the ranges."""
    merged = merge(ranges)
    return Term.make("chars", merged) if merged else NOTHING


def then(first: Term, second: Term) -> Term:
    if first is NOTHING or second is NOTHING:
        return NOTHING
    if first is EMPTY_TEXT:
        return second
    if second is EMPTY_TEXT:
        return first
    if first.kind == "then":  # to the right, so that equal texts are equal terms
        return then(first.parts[0], then(first.parts[1], second))
    return Term.make("then", first, second)


def repeat(term: Term, least: int, most: int | None) -> Term:
    """`term` from `least` to `most` times; None is without end."""
    if most == 0 or (term is EMPTY_TEXT):
        return EMPTY_TEXT
    if term is NOTHING:
        return EMPTY_TEXT if least == 0 else NOTHING
    if least == most == 1:
        return term
    return Term.make("repeat", term, least, most)


def either(terms: Iterable[Term]) -> Term:
    kept: dict[int, Term] = {}
    for term in terms:
        part: Term
        for part in term.parts if term.kind == "or" else (term,):
            if part is ANYTHING:
                return ANYTHING
            if part is not NOTHING:
                kept[id(part)] = part
    if any(id(part.parts[0]) in kept for part in kept.values() if part.kind == "not"):
        return ANYTHING
    return _joined("or", kept, NOTHING)


def both(terms: Iterable[Term]) -> Term:
    kept: dict[int, Term] = {}
    for term in terms:
        part: Term
        for part in term.parts if term.kind == "and" else (term,):
            if part is NOTHING:
                return NOTHING
            if part is not ANYTHING:
                kept[id(part)] = part
    if any(id(part.parts[0]) in kept for part in kept.values() if part.kind == "not"):
        return NOTHING
    return _joined("and", kept, ANYTHING)


def without(term: Term) -> Term:
    if term.kind == "not":
        inner: Term = term.parts[0]
        return inner
    return Term.make("not", term)


def _joined(kind: str, kept: dict[int, Term], none: Term) -> Term:
    if not kept:
        return none
    if len(kept) == 1:
        return next(iter(kept.values()))
    return Term.make(kind, *(kept[key] for key in sorted(kept)))


ANY_CHARACTER = Term.make("chars", ((0, LAST),))
# Every text over characters and marks, which is what `without` is relative to.
ANYTHING = without(NOTHING)


def text(value: str) -> Term:
    made = EMPTY_TEXT
    for character in reversed(value):
        made = then(chars([(ord(character), ord(character))]), made)
    return made


def derivative(term: Term, character: int) -> Term:
    """What may follow `character` in the texts of `term`."""
    known = term.derivatives.get(character)
    if known is None:
        known = term.derivatives[character] = _derivative(term, character)
    return known


def _derivative(term: Term, character: int) -> Term:
    match term.kind:
        case "chars":
            return EMPTY_TEXT if holds(term.parts[0], character) else NOTHING
        case "then":
            first, second = term.parts
            here = then(derivative(first, character), second)
            return either([here, derivative(second, character)]) if first.nullable else here
        case "repeat":
            inner, least, most = term.parts
            rest = repeat(inner, max(least - 1, 0), None if most is None else most - 1)
            return then(derivative(inner, character), rest)
        case "or":
            return either(derivative(part, character) for part in term.parts)
        case "and":
            return both(derivative(part, character) for part in term.parts)
        case "not":
            return without(derivative(term.parts[0], character))
        case _:
            return NOTHING


def members(term: Term) -> Iterator[str]:
    """Texts of `term` (between BEGIN and END), the shortest first: none when it is empty.

    Not every text: one for each way through the states. Raises SearchTooLarge.
    """
    start = derivative(term, BEGIN)
    # The way to a state: the state before and the character.
    reached: dict[Term, tuple[Term, int] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if derivative(here, END).nullable:
            yield _way(reached, here)
        if here is NOTHING:
            continue
        for character in _representatives(here):
            following = derivative(here, character)
            if following is not NOTHING and following not in reached:
                if len(reached) >= LARGEST_SEARCH:
                    raise SearchTooLarge
                reached[following] = (here, character)
                waiting.append(following)


def _way(reached: dict[Term, tuple[Term, int] | None], state: Term) -> str:
    characters = []
    while (step := reached[state]) is not None:
        state, character = step
        characters.append(chr(character))
    return "".join(reversed(characters))


def _representatives(term: Term) -> list[int]:
    """One character of each set that the term tells apart, the nicest first."""
    heads = sorted(term.heads)
    cuts = sorted(
        {0, *(low for head in heads for low, _ in head)}
        | {high + 1 for head in heads for _, high in head}
    )
    groups: dict[tuple[bool, ...], list[tuple[int, int]]] = {}
    for index, low in enumerate(cuts):
        high = cuts[index + 1] - 1 if index + 1 < len(cuts) else LAST
        high = min(high, LAST)
        if low <= high:
            told = tuple(holds(head, low) for head in heads)
            groups.setdefault(told, []).append((low, high))
    found = [_nicest(ranges) for ranges in groups.values()]
    return [character for _, character in sorted(one for one in found if one)]


def _nicest(ranges: list[tuple[int, int]]) -> tuple[int, int] | None:
    for rank, (first, last) in enumerate(_PREFERRED):
        for low, high in ranges:
            character = max(low, first)
            if 0xD800 <= character <= 0xDFFF:  # no character: half of a pair
                character = 0xE000
            if character <= min(high, last):
                return rank, character
    return None


def holds(ranges: Ranges, character: int) -> bool:
    index = bisect_right(ranges, (character, END)) - 1
    return index >= 0 and ranges[index][0] <= character <= ranges[index][1]


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        elif low <= high:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Every character that is not in the ranges."""
    kept, low = [], 0
    for first, last in merge(ranges):
        if low < first:
            kept.append((low, first - 1))
        low = last + 1
    if low <= LAST:
        kept.append((low, LAST))
    return tuple(kept)
