"""Is there an array of such items? Which?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from bitacora.contracts.satisfiability.answers import (
    NOTHING,
    Answer,
    Found,
    Nothing,
    NotKnown,
    Search,
    first,
)
from bitacora.contracts.satisfiability.demands import Count, Demand, Facts, OneItem, goal

# Longer arrays than this are not built.
LONGEST = 2_000
MOST_PLACES = 12


def solve(search: Search, facts: Facts) -> Answer:
    """An array with these facts.

    Items beyond every prefix are alike, so no more lengths are tried than the demands can use.
    """
    told_apart = [len(each.prefix) for each in facts.places]
    told_apart += [each.after if each.place is None else each.place + 1 for each in facts.one_item]
    prefix = max(told_apart, default=0)
    needed = sum(each.least for each in facts.counts) + len(facts.one_item) + 2 * facts.repeated
    longest = max(facts.least, prefix + needed)
    if facts.most is not None:
        longest = min(longest, facts.most)
    if facts.least > LONGEST:
        return NotKnown(f"arrays of {facts.least} items are not built")
    return first(
        _filled(search, facts, places)
        for length in range(facts.least, longest + 1)
        for places in _placed(facts, length)
    )


def _asked_of(facts: Facts, place: int) -> list[Demand]:
    asked = []
    for each in facts.places:
        if place < len(each.prefix):
            asked.append(Demand(each.prefix[place], True))
        elif each.rest is not None:
            asked.append(Demand(each.rest, True))
    return asked


def _placed(facts: Facts, length: int) -> Iterator[list[list[Demand]]]:
    """Every way to give the demands on single items a place in an array of this length.

    Raises Unknown through the caller when there would be too many.
    """
    base = [_asked_of(facts, place) for place in range(length)]
    yield from _with_one_item(base, facts.one_item, facts.counts)


def _with_one_item(
    places: list[list[Demand]], waiting: list[OneItem], counts: list[Count]
) -> Iterator[list[list[Demand]]]:
    if not waiting:
        yield from _with_counts(places, counts)
        return
    one, *others = waiting
    if one.place is not None:
        candidates = range(one.place, min(one.place + 1, len(places)))
    else:
        candidates = range(one.after, len(places))
    for place in candidates:
        asked = [*places[place], Demand(one.node, False)]
        yield from _with_one_item(_put(places, place, asked), others, counts)


def _with_counts(places: list[list[Demand]], counts: list[Count]) -> Iterator[list[list[Demand]]]:
    if not counts:
        yield places
        return
    count, *others = counts
    if count.most is None:
        sizes = range(count.least, count.least + 1)
    else:
        sizes = range(count.least, min(count.most, len(places)) + 1)
    if len(places) > MOST_PLACES and sizes != range(1):
        # Places beyond a dozen: only the first ones are chosen from, which may miss an array.
        chosen_from = range(MOST_PLACES)
    else:
        chosen_from = range(len(places))
    for size in sizes:
        for chosen in combinations(chosen_from, size):
            asked = [
                [*each, Demand(count.node, True)]
                if place in chosen
                else each
                if count.most is None
                else [*each, Demand(count.node, False)]
                for place, each in enumerate(places)
            ]
            yield from _with_counts(asked, others)


def _put(places: list[list[Demand]], place: int, asked: list[Demand]) -> list[list[Demand]]:
    return [*places[:place], asked, *places[place + 1 :]]


def _filled(search: Search, facts: Facts, places: list[list[Demand]]) -> Answer:
    answer = _pairs(search, facts, places) if facts.repeated else _items(search, facts, places)
    if isinstance(answer, Nothing) and len(places) > MOST_PLACES and facts.counts:
        return NotKnown("too many places to choose from")
    return answer


def _items(search: Search, facts: Facts, places: list[list[Demand]]) -> Answer:
    values: list[Any] = []
    for asked in places:
        others = [search.constant(value, met=False) for value in values] if facts.unique else []
        answer = search.solve(goal([*asked, *others]))
        if not isinstance(answer, Found):
            return _short(search, facts, places, answer)
        values.append(answer.value)
    return Found(values)


def _short(search: Search, facts: Facts, places: list[list[Demand]], answer: Answer) -> Answer:
    """An item is missing: for good, or only because of the values that others were given?"""
    if not facts.unique or isinstance(answer, NotKnown):
        return answer
    alike = all(goal(each) == goal(places[0]) for each in places)
    alone = any(isinstance(search.solve(goal(each)), Nothing) for each in places)
    if alike or alone:
        return NOTHING
    return _matched(search, places)


def _matched(search: Search, places: list[list[Demand]]) -> Answer:
    """Different values for places that ask for different things: try all, when they are few."""
    domains = []
    for asked in places:
        domain = _domain(search, asked, len(places))
        if domain is None:
            return NotKnown("whether the items can all differ")
        domains.append(domain)
    chosen: list[Any] = []

    def choose(place: int) -> bool:
        if place == len(domains):
            return True
        for value in domains[place]:
            if search.holds([search.constant(each, met=False) for each in chosen], value):
                chosen.append(value)
                if choose(place + 1):
                    return True
                chosen.pop()
        return False

    return Found(chosen) if choose(0) else NOTHING


def _domain(search: Search, asked: list[Demand], most: int) -> list[Any] | None:
    """Every value for an item, or as many as there are items; None when that is not known."""
    values: list[Any] = []
    while len(values) < most:
        others = [search.constant(value, met=False) for value in values]
        answer = search.solve(goal([*asked, *others]))
        if isinstance(answer, NotKnown):
            return None
        if isinstance(answer, Nothing):
            break
        values.append(answer.value)
    return values


def _pairs(search: Search, facts: Facts, places: list[list[Demand]]) -> Answer:
    """Two items are the same value, so it meets what is asked of both."""

    def answers() -> Iterator[Answer]:
        for one, other in combinations(range(len(places)), 2):
            shared = [*places[one], *places[other]]
            merged = _put(_put(places, one, shared), other, shared)
            yield _items(search, facts, merged)

    return first(answers())
