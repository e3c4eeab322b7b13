"""A search for counterexamples by brute force: no reasoning, only values tried on jsonschema.

At each place the values tried are those at which any keyword of either schema may change its
mind. A value is kept for each way in which the schemas around it can take it (which of them
accept, which refuse), so that whatever the schemas above do with these answers is tried too.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.contracts.corpus.readings import (
    Place,
    Question,
    beside,
    describes_all,
    property_places,
)
from tests.contracts.corpus.strings import candidates

GENERIC: tuple[Any, ...] = (None, True, False, 0, 1, -1, 1.0, 1.5, "", "a", [], {}, [0], {"a": 0})
ABSENT = object()


@dataclass(frozen=True)
class Effort:
    """How much is tried: values at the root and at deeper places, levels, strings, per answer."""

    root: int = 6000
    inner: int = 1500
    levels: int = 4
    strings: int = 350
    kept: int = 3

    def at(self, depth: int) -> int:
        return self.root if depth == 0 else max(60, self.inner >> (depth - 1))


THOROUGH = Effort()
QUICK = Effort(root=400, inner=60, levels=3, strings=30, kept=2)


def counterexample(question: Question, effort: Effort = THOROUGH, seed: int = 0) -> Any:
    """A value that the producer writes and the consumer refuses, the smallest found; else ABSENT.

    One in which the validator of the service agrees is preferred.
    Values are JSON: dict, list, str, int, float, bool, None.
    """
    search = _Search(question, effort, seed)
    places = (question.producer.root, question.consumer.root)
    found = filter(question.broken_by, search.tried(places, 0))
    first = list(itertools.islice(found, 40))
    first.sort(key=_size)
    agreed = (value for value in first if question.broken_at_run_time(value))
    return next(agreed, first[0] if first else ABSENT)


def _size(value: Any) -> tuple[int, str]:
    text = json.dumps(value)
    return len(text), text


class _Search:
    def __init__(self, question: Question, effort: Effort, seed: int) -> None:
        self.question = question
        self.effort = effort
        self.seed = seed
        self.pools: dict[tuple[frozenset[int], int], list[Any]] = {}

    # -- values kept at a place below the root

    def pool(self, places: tuple[Place, ...], depth: int) -> list[Any]:
        """Values for each combination of answers that `places` give, likely ones first."""
        key = (frozenset(map(id, places)), depth)
        if key not in self.pools:
            self.pools[key] = []  # a place inside itself, at the same depth: nothing more
            self.pools[key] = self._kept(places, depth)
        return self.pools[key]

    def _kept(self, places: tuple[Place, ...], depth: int) -> list[Any]:
        named = {_text(value) for place in _flat(places) for value in _constants(place)}
        kept: dict[tuple[Any, ...], list[Any]] = {}
        pinned: list[tuple[tuple[bool, ...], Any]] = []
        for value in self.tried(places, depth):
            answers = self._answers(places, value)
            if _text(value) in named and len(pinned) < 40:
                pinned.append((answers, value))
                continue
            alike = kept.setdefault((type(value), answers), [])
            if len(alike) < self.effort.kept:
                alike.append(value)
        rest = [(key[1], value) for key, values in kept.items() for value in values]
        ordered = sorted(pinned + rest, key=lambda pair: -sum(pair[0]))
        return [value for _, value in ordered][:80]

    def _answers(self, places: tuple[Place, ...], value: Any) -> tuple[bool, ...]:
        answers = tuple(place.accepts(value) for place in places)
        if not self.question.closed or not isinstance(value, dict | list):
            return answers
        writing = [p for p in places if p.side is self.question.producer and p.accepts(value)]
        return (*answers, describes_all(writing, value))

    # -- values tried at a place

    def tried(self, places: tuple[Place, ...], depth: int) -> Iterator[Any]:
        """Distinct values for a place, bounded by the effort for its depth."""
        flat = _flat(places)
        rng = random.Random(f"{self.seed}/{depth}/{[_text(p.schema) for p in places]}")
        makers = [self._scalars(flat)]
        if depth < self.effort.levels:
            makers += [self._objects(places, flat, depth, rng), self._arrays(flat, depth, rng)]
        seen: set[str] = set()
        for maker in makers:
            fresh = (value for value in maker if not _repeated(value, seen))
            yield from itertools.islice(fresh, self.effort.at(depth))

    def _scalars(self, flat: list[Place]) -> Iterator[Any]:
        for place in flat:
            for value in _constants(place):
                yield value
                yield from _mutated(value)
        if not flat:
            yield from (0, "a", None, {}, [], True, {"a": 0}, 1.5)
            return
        yield from GENERIC
        yield from _numbers(flat)
        yield from self._strings(flat)

    def _strings(self, flat: list[Place]) -> list[str]:
        lengths = _values(flat, "minLength") + _values(flat, "maxLength")
        patterns, formats = _values(flat, "pattern"), _values(flat, "format")
        if not (lengths or patterns or formats):
            return ["a", "b", "x y"]
        return candidates(patterns, formats, lengths, self.seed, self.effort.strings)

    # -- arrays

    def _arrays(self, flat: list[Place], depth: int, rng: random.Random) -> Iterator[Any]:
        if not any(_speaks_of_arrays(place) for place in flat):
            return
        lengths = _lengths(flat)
        pools = [self._item_pool(flat, at, depth) for at in range(_prefix(flat) + 1)]
        # The value every item pool likes best, everywhere; then one place changed; then all.
        for length in lengths:
            slots = [pools[min(at, len(pools) - 1)] for at in range(length)]
            if all(slots):
                yield from _filled(slots)
        for length in (n for n in lengths if 0 < n <= 12):
            slots = [pools[min(at, len(pools) - 1)] for at in range(length)]
            if all(slots):
                yield from _one_changed(slots)
        short = [n for n in lengths if 0 < n <= 6]
        for length in short:
            slots = [pools[min(at, len(pools) - 1)] for at in range(length)]
            if math.prod(map(len, slots)) <= 2000:
                yield from map(list, itertools.product(*slots))
        for _ in range(self.effort.at(depth) if short else 0):
            slots = [pools[min(at, len(pools) - 1)] for at in range(rng.choice(short))]
            if all(slots):
                yield [rng.choice(slot) for slot in slots]

    def _item_pool(self, flat: list[Place], at: int, depth: int) -> list[Any]:
        inner: list[Place] = []
        for place in flat:
            prefix = place.keyword("prefixItems", ())
            names = ["contains", "unevaluatedItems"]
            if at < len(prefix):
                inner.append(place.at(prefix[at]))
            else:
                names.append("items")
            inner += [place.at(place.keyword(n)) for n in names if place.keyword(n) is not None]
        return self.pool(tuple(inner), depth + 1)

    # -- objects

    def _objects(
        self, places: tuple[Place, ...], flat: list[Place], depth: int, rng: random.Random
    ) -> Iterator[Any]:
        if not any(_speaks_of_objects(place) for place in flat):
            return
        names = self._names(flat)
        options = {name: self._values_of(flat, name, depth) for name in names}
        bases = list(self._bases(places, options, rng))
        yield from bases
        size = math.prod(1 + len(values) for values in options.values())
        if size <= self.effort.at(depth):
            yield from _product(options)
            return
        yield from self._sized(flat, bases, options)
        for base in bases:
            yield from ({k: v for k, v in base.items() if k != name} for name in base)
        for changes in itertools.zip_longest(*(_changed(base, options) for base in bases)):
            yield from (change for change in changes if change is not None)
        yield from self._sampled(bases, options, depth, rng)

    def _sampled(
        self, bases: list[Any], options: dict[str, list[Any]], depth: int, rng: random.Random
    ) -> Iterator[Any]:
        names = list(options)
        for _ in range(2 * self.effort.at(depth)):
            value = dict(rng.choice(bases))
            for name in rng.sample(names, min(len(names), rng.choice((2, 2, 3, 4)))):
                choice = rng.choice([ABSENT, *options[name]])
                value.pop(name, None)
                if choice is not ABSENT:
                    value[name] = choice
            yield value

    def _names(self, flat: list[Place]) -> list[str]:
        """Every name that a schema mentions, some that its patterns match, some unknown."""
        known: dict[str, None] = {}
        patterns: list[str] = []
        naming: list[Place] = []
        for place in flat:
            known |= dict.fromkeys(place.keyword("properties", {}))
            known |= dict.fromkeys(place.keyword("required", ()))
            for name, others in place.keyword("dependentRequired", {}).items():
                known |= dict.fromkeys((name, *others))
            known |= dict.fromkeys(place.keyword("dependentSchemas", {}))
            for value in (v for v in _constants(place) if isinstance(v, dict)):
                known |= dict.fromkeys(value)
            patterns += place.keyword("patternProperties", {})
            if (rule := place.keyword("propertyNames")) is not None:
                naming.append(place.at(rule))
        wanted = max([0, *_values(flat, "minProperties"), *_values(flat, "maxProperties")]) + 1
        made: list[str] = []
        if naming:
            made += [v for v in self.pool(tuple(naming), 1) if isinstance(v, str)][:12]
        for pattern in sorted(set(patterns)):
            drawn = candidates([pattern], (), (), self.seed, 24)
            made += [n for n in drawn if re.search(pattern, n)][: 2 + min(wanted, 6)]
        if patterns:  # names that several patterns match, each combination once
            made += _told_apart(candidates(patterns, (), (), self.seed, 60), patterns)
        unknown = ["new", "other", *(f"n{i}" for i in range(min(wanted, 24) - 1))]
        return list(dict.fromkeys([*known, *made[:24], *unknown]))

    def _values_of(self, flat: list[Place], name: str, depth: int) -> list[Any]:
        inner: list[Place] = []
        for place in flat:
            inner += property_places([place], name)
            rest = place.keyword("unevaluatedProperties")
            if rest not in (None, False):
                inner.append(place.at(rest))
        return self.pool(tuple(dict.fromkeys(inner)), depth + 1)

    def _bases(
        self, places: tuple[Place, ...], options: dict[str, list[Any]], rng: random.Random
    ) -> Iterator[dict[str, Any]]:
        """Objects that suit one way through the branches of a schema: small ones, full ones."""
        yield {}
        for place in places:
            for way in _ways(place, limit=24, rng=rng):
                required = {n for p in way for n in p.keyword("required", ())}
                described = {n for p in way for n in p.keyword("properties", {})}
                suited = {name: _suited(way, name, values) for name, values in options.items()}
                present = {name: v for name, v in suited.items() if v is not ABSENT}
                yield {n: v for n, v in present.items() if n in required}
                yield {n: v for n, v in present.items() if n in required | described}
                yield present

    def _sized(
        self, flat: list[Place], bases: list[dict[str, Any]], options: dict[str, list[Any]]
    ) -> Iterator[dict[str, Any]]:
        limits = _values(flat, "minProperties") + _values(flat, "maxProperties")
        for size in sorted({n + d for n in limits for d in (-1, 0, 1) if n + d >= 0}):
            for base in bases:
                grown = dict(base)
                for name, values in options.items():
                    if len(grown) < size and name not in grown and values:
                        grown[name] = values[0]
                yield dict(itertools.islice(grown.items(), size))


# -- walking schemas


def _flat(places: Iterable[Place]) -> list[Place]:
    return beside(places, below_not=True)


def _ways(place: Place, limit: int, rng: random.Random) -> list[list[Place]]:
    """Ways through the branches of a schema: what applies when one of each is taken."""

    def through(place: Place, seen: tuple[int, ...]) -> list[list[Place]]:
        if id(place) in seen:
            return [[]]
        seen = (*seen, id(place))
        parts: list[list[list[Place]]] = [[[place]]]
        if reference := place.keyword("$ref"):
            parts.append(through(place.side.referred(reference), seen))
        parts += [through(place.at(s), seen) for s in place.keyword("allOf", ())]
        for keyword in ("anyOf", "oneOf"):
            if branches := place.keyword(keyword):
                parts.append([way for s in branches for way in through(place.at(s), seen)])
        if place.keyword("if") is not None:
            taken = [place.keyword(k) for k in ("if", "then") if place.keyword(k) is not None]
            held = [[p for s in taken for p in through(place.at(s), seen)[0]]]
            other = place.keyword("else")
            parts.append(held + (through(place.at(other), seen) if other is not None else [[]]))
        for schema in place.keyword("dependentSchemas", {}).values():
            parts.append([[], *through(place.at(schema), seen)])
        product = itertools.islice(itertools.product(*parts), 500)
        ways = [[p for part in chosen for p in part] for chosen in product]
        return ways if len(ways) <= limit else rng.sample(ways, limit)

    return through(place, ())


def _suited(way: list[Place], name: str, values: list[Any]) -> Any:
    """The first value that every schema of the way takes under this name, else ABSENT."""
    inner = [speaking for place in way for speaking in property_places([place], name)]
    return next((v for v in values if all(p.accepts(v) for p in inner)), ABSENT)


def _constants(place: Place) -> list[Any]:
    constant = [place.schema["const"]] if place.keyword("const", ABSENT) is not ABSENT else []
    return [*constant, *place.keyword("enum", ())]


def _values(flat: list[Place], keyword: str) -> list[Any]:
    return [place.keyword(keyword) for place in flat if place.keyword(keyword) is not None]


def _speaks_of_arrays(place: Place) -> bool:
    words = ("items", "prefixItems", "contains", "unevaluatedItems", "minItems", "maxItems")
    return any(place.keyword(word) is not None for word in (*words, "uniqueItems"))


def _speaks_of_objects(place: Place) -> bool:
    words = ("properties", "required", "patternProperties", "additionalProperties")
    more = ("propertyNames", "minProperties", "maxProperties", "dependentRequired")
    rare = ("dependentSchemas", "unevaluatedProperties")
    constants = any(isinstance(value, dict) for value in _constants(place))
    return constants or any(place.keyword(word) is not None for word in words + more + rare)


# -- making values


def _text(value: Any) -> str:
    return repr(value)  # tells 1, 1.0 and True apart, and is quick


def _repeated(value: Any, seen: set[str]) -> bool:
    text = _text(value)
    if text in seen:
        return True
    seen.add(text)
    return False


def _mutated(value: Any) -> Iterator[Any]:
    """Values one step away from a constant."""
    match value:
        case bool() | None:
            return
        case int() | float():
            yield from (value + 1, value - 1, value + 0.5, str(value))
            if value == int(value):
                yield from (float(value), int(value))
        case str():
            yield from (value + "x", value[:-1], value.swapcase())
        case list():
            yield from (value[:-1], [*value, None], value[::-1], value + value[-1:])
            for at, item in enumerate(value):
                yield from ([*value[:at], other, *value[at + 1 :]] for other in _mutated(item))
        case dict():
            yield value | {"new": None}
            for name, inner in value.items():
                yield {k: v for k, v in value.items() if k != name}
                yield from (value | {name: other} for other in _mutated(inner))


def _numbers(flat: list[Place]) -> list[Any]:
    words = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    limits = [0, *(n for word in words for n in _values(flat, word))]
    steps = sorted({abs(n) for n in _values(flat, "multipleOf")})
    if all(isinstance(n, int) for n in steps):
        steps += [math.lcm(*pair) for pair in itertools.combinations(steps, 2)]
    found: list[Any] = []
    for limit in limits:
        found += [limit + d for d in (0, 1, -1, 0.5, -0.5, 2, -2)]
        if limit == int(limit):
            found += [int(limit), float(limit)]
        for step in steps:
            whole = math.floor(limit / step)
            found += [n * step for n in range(whole - 3, whole + 4)]
    between = sorted(set(limits))
    found += [(a + b) / 2 for a, b in itertools.pairwise(between)]
    found += [(a + b) // 2 for a, b in itertools.pairwise(between)]
    for low, high in itertools.pairwise(between):
        if high - low <= 40:
            found += range(math.ceil(low), math.floor(high) + 1)
    return [*found, 10**6, -(10**6), 2**53 + 2, 0.1, 1.0]


def _prefix(flat: list[Place]) -> int:
    return max((len(place.keyword("prefixItems", ())) for place in flat), default=0)


def _lengths(flat: list[Place]) -> list[int]:
    words = ("minItems", "maxItems", "minContains", "maxContains")
    marks = [0, 1, 2, _prefix(flat), *(n for word in words for n in _values(flat, word))]
    marks += [len(_constants(place)) for place in flat]
    return sorted({n + d for n in marks for d in (-1, 0, 1) if 0 <= n + d <= 200})


def _filled(slots: list[list[Any]]) -> Iterator[list[Any]]:
    """Arrays of one value each, and arrays of values as different as can be."""
    if not slots:
        yield []
        return
    for rank in range(max(map(len, slots))):
        yield [slot[min(rank, len(slot) - 1)] for slot in slots]
    for shift in range(4):
        yield [slot[(at + shift) % len(slot)] for at, slot in enumerate(slots)]


def _one_changed(slots: list[list[Any]]) -> Iterator[list[Any]]:
    for base in _filled([slot[:3] for slot in slots]):
        for at, slot in enumerate(slots):
            yield from ([*base[:at], value, *base[at + 1 :]] for value in slot)


def _product(options: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for chosen in itertools.product(*([ABSENT, *values] for values in options.values())):
        yield {n: v for n, v in zip(options, chosen, strict=True) if v is not ABSENT}


def _changed(base: dict[str, Any], options: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    ranks = max((len(values) for values in options.values()), default=0)
    for rank in range(ranks):
        for name, values in options.items():
            if rank < len(values):
                yield base | {name: values[rank]}


def _told_apart(names: list[str], patterns: list[str]) -> list[str]:
    found: dict[tuple[bool, ...], str] = {}
    for name in names:
        found.setdefault(tuple(bool(re.search(p, name)) for p in patterns), name)
    return list(found.values())
