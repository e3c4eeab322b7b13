"""Is there a text of this length, matching these patterns and not those? Which?"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from bitacora.contracts.satisfiability.answers import (
    NOTHING,
    Answer,
    Found,
    NotKnown,
    Search,
)
from bitacora.contracts.satisfiability.demands import Facts, Goal
from bitacora.contracts.satisfiability.formats import FORMATS, UNKNOWN
from bitacora.contracts.satisfiability.patterns import (
    TEXT,
    Unsupported,
    exactly,
    found_by,
    sized,
)
from bitacora.contracts.satisfiability.regular import (
    SearchTooLarge,
    Term,
    both,
    members,
    without,
)

# Texts tried before "not known" is said.
TRIED = 200
# From here on a plain length is not counted in states.
LONG = 2_000
SAMPLES = tuple(sample for each in FORMATS.values() for sample in each.samples)


def solve(search: Search, asked: Goal, facts: Facts) -> Answer:
    """A text with these facts that fulfils the goal they come from."""
    if not facts.patterns and not facts.formats:
        return _of_length(search, asked, facts)
    outer, inner = _around(facts), _inside(facts)
    try:
        for term, tried in ((inner, TRIED // 4), (outer, TRIED)):
            for value in islice(members(term), tried) if term is not None else ():
                # Python's `$` also matches before a last line end; one character more tells.
                for longer in (value, f"{value}a"):
                    if search.holds(asked, longer):
                        return Found(longer)
        for value in _samples(facts):
            if search.holds(asked, value):
                return Found(value)
        if next(members(outer), None) is None:
            return NOTHING
    except SearchTooLarge:
        pass
    return NotKnown(f"no text was found, nor that there is none: {_in_words(facts)}")


def _of_length(search: Search, asked: Goal, facts: Facts) -> Answer:
    """Only the length is asked for, and not to be one of a few texts."""
    excluded = {each for each in facts.excluded if isinstance(each, str)}
    letters = [chr(code) for code in (*range(ord("a"), ord("z") + 1), *range(0x4E00, 0x4E80))]
    longest = facts.least + len(excluded)
    longest = longest if facts.most is None else min(facts.most, longest)
    for length in range(facts.least, longest + 1):
        for letter in letters if length else [""]:
            value = letter * length
            if value not in excluded and search.holds(asked, value):
                return Found(value)
    if facts.most == 0:
        return NOTHING
    return NotKnown("too many texts are left out")


def _around(facts: Facts) -> Term:
    """A language that every text in question is in."""
    terms = [TEXT, *_lengths(facts)]
    for pattern, found in facts.patterns:
        try:
            term = found_by(pattern)
        except Unsupported:
            continue
        terms.append(term if found else without(term))
    for name, kept in facts.formats:
        known = FORMATS.get(name, UNKNOWN)
        if kept and known.within:
            terms.append(found_by(known.within))
        elif not kept and known.surely is not None:
            terms.append(without(found_by(known.surely)))
    terms += [without(exactly(each)) for each in facts.excluded if isinstance(each, str)]
    return both(terms)


def _inside(facts: Facts) -> Term | None:
    """A language of which every text is in question; None when there is no such to be had."""
    if not facts.formats:
        return None  # as good as the one around it
    terms = [_around(facts)]
    for name, kept in facts.formats:
        known = FORMATS.get(name, UNKNOWN)
        if kept and known.surely is None:
            return None
        if kept and known.surely is not None:
            terms.append(found_by(known.surely))
        elif known.within:
            terms.append(without(found_by(known.within)))
    return both(terms)


def _lengths(facts: Facts) -> list[Term]:
    if facts.least == 0 and facts.most is None:
        return []
    return [sized(facts.least, facts.most)]


def _samples(facts: Facts) -> tuple[str, ...]:
    """Texts of all formats, also cut and drawn out to the lengths asked for."""
    kept: dict[str, Any] = dict.fromkeys(SAMPLES)
    for sample in SAMPLES:
        if facts.most is not None:
            kept[sample[: facts.most]] = None
        if len(sample) < facts.least < LONG:
            kept[re.sub(r"(?=\.[a-z]+$|$)", "a" * (facts.least - len(sample)), sample, count=1)] = (
                None
            )
    return tuple(kept)


def _in_words(facts: Facts) -> str:
    asked = [f"{'' if found else 'not '}pattern {text}" for text, found in sorted(facts.patterns)]
    asked += [f"{'' if kept else 'not '}format {name}" for name, kept in sorted(facts.formats)]
    return ", ".join(asked)
