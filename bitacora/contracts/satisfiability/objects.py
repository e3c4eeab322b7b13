"""Is there an object with such properties? Which?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
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
from bitacora.contracts.satisfiability.demands import (
    Demand,
    Facts,
    Fields,
    Node,
    Somewhere,
    goal,
)

# Patterns of names, of which every combination is looked at.
MOST_PATTERNS = 6
# Objects with more are not built.
MOST_PROPERTIES = 60


@dataclass(frozen=True)
class _Stranger:
    """A property under a name that no schema mentions: what it has to match, what it has to be."""

    matching: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()
    value: frozenset[Demand] = frozenset()
    name: frozenset[Demand] = frozenset()

    def and_(self, other: _Stranger) -> _Stranger:
        return _Stranger(
            self.matching | other.matching,
            self.unmatched | other.unmatched,
            self.value | other.value,
            self.name | other.name,
        )


@dataclass
class _Plan:
    """Which properties there are to be."""

    inside: dict[str, set[Demand]] = field(default_factory=dict)
    names: dict[str, set[Demand]] = field(default_factory=dict)
    strangers: list[_Stranger] = field(default_factory=list)

    def copy(self) -> _Plan:
        return _Plan(
            {name: set(each) for name, each in self.inside.items()},
            {name: set(each) for name, each in self.names.items()},
            list(self.strangers),
        )


def asked_of(facts: Facts, name: str) -> set[Demand]:
    """What the facts ask of the property `name`, if it is there."""
    asked = set(facts.inside.get(name, ()))
    for fields in facts.fields:
        asked |= {Demand(node, True) for node in _nodes(fields, name)}
    return asked


def solve(search: Search, facts: Facts) -> Answer:
    """An object with these facts."""
    # Only what may be there beside what must be there needs all the names.
    known = _known(facts) if facts.somewhere or facts.least > len(facts.required) else []
    plan = _Plan({name: set(facts.inside.get(name, ())) for name in facts.required})
    return first(
        _made(search, facts, known, each)
        for each in _plans(facts, known, plan, list(facts.somewhere))
    )


def _known(facts: Facts) -> list[str]:
    """Every name that is mentioned."""
    names = {name: None for fields in facts.fields for name in fields.names}
    for each in facts.somewhere:
        names |= dict.fromkeys(each.beyond.names if each.beyond else ())
    names |= dict.fromkeys(sorted(facts.required | facts.absent))
    return list(names)


def _nodes(fields: Fields, name: str) -> list[Node]:
    nodes = [fields.names[name]] if name in fields.names else []
    nodes += [node for pattern, node in fields.patterns.items() if re.search(pattern, name)]
    if not nodes and fields.rest is not None:
        nodes = [fields.rest]
    return nodes


def _plans(
    facts: Facts, known: list[str], plan: _Plan, waiting: list[Somewhere]
) -> Iterator[_Plan]:
    """Every way to find a property for each of the demands that leave it open which."""
    if not waiting:
        yield plan
        return
    one, *others = waiting
    for name in known:
        if name not in facts.absent and _may_be(one, name):
            following = plan.copy()
            following.inside.setdefault(name, set())
            target = following.names if one.of_name else following.inside
            target.setdefault(name, set()).add(Demand(one.node, False))
            yield from _plans(facts, known, following, others)
    stranger = _stranger(one)
    for at, other in enumerate(plan.strangers):
        following = plan.copy()
        following.strangers[at] = other.and_(stranger)
        yield from _plans(facts, known, following, others)
    following = plan.copy()
    following.strangers.append(stranger)
    yield from _plans(facts, known, following, others)


def _may_be(one: Somewhere, name: str) -> bool:
    if one.of_name:
        return True
    if one.matching is not None:
        return re.search(one.matching, name) is not None
    assert one.beyond is not None
    return name not in one.beyond.names and not any(
        re.search(pattern, name) for pattern in one.beyond.patterns
    )


def _stranger(one: Somewhere) -> _Stranger:
    asked = frozenset([Demand(one.node, False)])
    if one.of_name:
        return _Stranger(name=asked)
    if one.matching is not None:
        return _Stranger(matching=frozenset([one.matching]), value=asked)
    assert one.beyond is not None
    return _Stranger(unmatched=frozenset(one.beyond.patterns), value=asked)


def _made(search: Search, facts: Facts, known: list[str], plan: _Plan) -> Answer:
    """The object of a plan, with as many more properties as the least number asks for."""
    if facts.most is not None and len(plan.inside) + len(plan.strangers) > facts.most:
        return NOTHING
    made: dict[str, Any] = {}
    for name in sorted(plan.inside, key=_place(facts)):
        asked = asked_of(facts, name) | plan.inside[name]
        named = _name_holds(search, facts, plan, name)
        answer = search.solve(goal(asked)) if named else NOTHING
        if not isinstance(answer, Found):
            return answer
        made[name] = answer.value
    for stranger in plan.strangers:
        answer = _strange(search, facts, known, made, stranger)
        if not isinstance(answer, Found):
            return answer
        made |= answer.value
    return _enough(search, facts, known, made)


def _place(facts: Facts) -> Callable[[str], tuple[bool, str]]:
    """Required properties first."""
    return lambda name: (name not in facts.required, name)


def _name_holds(search: Search, facts: Facts, plan: _Plan, name: str) -> bool:
    return search.holds(facts.names | plan.names.get(name, set()), name)


def _strange(
    search: Search, facts: Facts, known: Sequence[str], made: dict[str, Any], one: _Stranger
) -> Answer:
    """{name: value} for a property under a name that is nowhere mentioned.

    Which patterns the name matches decides what its value has to be: each combination is tried.
    """
    patterns = sorted(
        {pattern for fields in facts.fields for pattern in fields.patterns}
        | one.matching
        | one.unmatched
    )
    if len(patterns) > MOST_PATTERNS:
        return NotKnown(f"more than {MOST_PATTERNS} patterns of names")

    def answers() -> Iterator[Answer]:
        for matched in product((False, True), repeat=len(patterns)):
            found = {each for each, yes in zip(patterns, matched, strict=True) if yes}
            if one.matching <= found and not one.unmatched & found:
                yield _under(search, facts, [*known, *made], one, found, set(patterns) - found)

    return first(answers())


def _under(
    search: Search,
    facts: Facts,
    taken: list[str],
    one: _Stranger,
    found: set[str],
    missed: set[str],
) -> Answer:
    value = set(one.value)
    for fields in facts.fields:
        nodes = [node for pattern, node in fields.patterns.items() if pattern in found]
        if not nodes and fields.rest is not None:
            nodes = [fields.rest]
        value |= {Demand(node, True) for node in nodes}
    inside = search.solve(goal(value))
    if isinstance(inside, Nothing):
        return inside
    text = {"type": "string", "not": {"enum": taken}} if taken else {"type": "string"}
    asked = [Demand(search.node(text), True), *facts.names, *one.name]
    asked += [Demand(search.node({"pattern": pattern}), True) for pattern in sorted(found)]
    asked += [Demand(search.node({"pattern": pattern}), False) for pattern in sorted(missed)]
    name = search.solve(goal(asked))
    if isinstance(name, Found) and isinstance(inside, Found):
        return Found({name.value: inside.value})
    return name if not isinstance(name, Found) else inside


def _enough(search: Search, facts: Facts, known: list[str], made: dict[str, Any]) -> Answer:
    """`made` with further properties until the least number is reached."""
    made, doubt = dict(made), None
    for name in known:
        if len(made) >= facts.least:
            break
        if name in made or name in facts.absent or not search.holds(facts.names, name):
            continue
        answer = search.solve(goal(asked_of(facts, name)))
        if isinstance(answer, Found):
            made[name] = answer.value
        doubt = answer if isinstance(answer, NotKnown) else doubt
    while len(made) < facts.least:
        if len(made) > MOST_PROPERTIES:
            return NotKnown(f"objects of {facts.least} properties are not built")
        answer = _strange(search, facts, known, made, _Stranger())
        if not isinstance(answer, Found):
            return doubt or answer
        made |= answer.value
    return Found(made)
