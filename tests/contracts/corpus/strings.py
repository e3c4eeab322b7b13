"""Strings that tell patterns, lengths and formats apart: members, near misses, boundaries."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Iterator
from re import _constants as sre  # the standard library's own parser of patterns
from re import _parser as parser
from typing import Any

FORMATS: dict[str, tuple[str, ...]] = {
    "date": (
        *("2024-02-29", "1999-12-31", "2000-01-01", "0001-01-01", "9999-12-31", "2100-06-15"),
        *("2023-02-29", "2024-13-01", "2024-2-9", "20240229", "2024-02-30"),
    ),
    "time": (
        *("10:00:00Z", "23:59:59.5+01:00", "00:00:00.123456Z", "08:30:00-05:00"),
        *("10:00:00", "25:00:00Z", "10:00Z"),
    ),
    "date-time": (
        *("2024-02-29T10:00:00Z", "1999-12-31T23:59:59.5+01:00", "2000-01-01T00:00:00.000Z"),
        *("2024-02-29T10:00:00", "2024-02-30T10:00:00Z", "2024-02-29 10:00", "2024-02-29"),
    ),
    "uuid": (
        *("123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-000000000000"),
        *("FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF", "123e4567e89b12d3a456426614174000"),
        "123e4567-e89b-12d3-a456-42661417400",
    ),
    "email": ("ana@example.org", "a@example.com", "a.b+c@mail.example.org", "no mail"),
    "uri": (
        *("https://example.org/a?b=1#c", "urn:isbn:0451450523", "http://example.org", "ftp://x/"),
        *("no uri", "/relative", "https://exa mple.org"),
    ),
}
ORDINARY = ("", "a", "b", "A", "0", "1", "-", "_", " ", "ab", "ñ", "😀", "x y", "1.0", "null")


def candidates(
    patterns: Iterable[str], formats: Iterable[str], lengths: Iterable[int], seed: int, limit: int
) -> list[str]:
    """Distinct strings, those most likely to matter first; at most about `limit`."""
    patterns = sorted(set(patterns))
    alphabet, repeats = _characters_and_repeats(patterns)
    marks = {*lengths, *repeats}
    sizes = sorted({n + d for n in marks for d in (-1, 0, 1) if 0 <= n + d <= 3000})
    rng = random.Random(seed)
    found: dict[str, None] = dict.fromkeys(ORDINARY[:4])
    for name in sorted(set(formats)):
        found |= dict.fromkeys(FORMATS.get(name, ()))
    found |= dict.fromkeys(f * n for n in sizes for f in (alphabet[0] if alphabet else "a", "ñ"))
    found |= dict.fromkeys("😀" * n for n in sizes if n < 40)
    found |= dict.fromkeys(f"{'a' * (n - 12)}@example.org" for n in sizes if n > 13)
    found |= dict.fromkeys(f"urn:{'a' * (n - 6)}:b" for n in sizes if n > 6)
    members = [m for p in patterns for m in members_of(p, sizes, rng, limit // 4)]
    found |= dict.fromkeys(members)
    short = sorted(set(members), key=len)[:40] + list(found)[:10]
    found |= dict.fromkeys(itertools.islice(_near(short, alphabet, rng), limit))
    if patterns:
        found |= dict.fromkeys(itertools.islice(_words(alphabet[:7]), limit))
    found |= dict.fromkeys(ORDINARY)
    ordered = list(found)
    return ordered if len(ordered) <= 4 * limit else ordered[: 4 * limit]


def members_of(pattern: str, sizes: list[int], rng: random.Random, count: int) -> list[str]:
    """Strings that the pattern describes: by the boundaries of its repeats and classes."""
    tree = parser.parse(pattern)
    drawn = {_member(tree, sizes, rng) for _ in range(count)}
    return sorted(drawn, key=lambda s: (len(s), s))


def _member(tree: Any, sizes: list[int], rng: random.Random) -> str:
    return "".join(_part(op, value, sizes, rng) for op, value in tree)


def _part(op: Any, value: Any, sizes: list[int], rng: random.Random) -> str:
    match op:
        case sre.LITERAL:
            return chr(value)
        case sre.NOT_LITERAL:
            return rng.choice([c for c in "ab0-ñ" if ord(c) != value])
        case sre.ANY:
            return rng.choice("ab0- ñ")
        case sre.IN:
            return rng.choice(_class(value))
        case sre.BRANCH:
            return _member(rng.choice(value[1]), sizes, rng)
        case sre.SUBPATTERN:
            return _member(value[-1], sizes, rng)
        case sre.MAX_REPEAT | sre.MIN_REPEAT:
            least, most, inner = value
            most = least + 3 if most is sre.MAXREPEAT else most
            counts = {least, least + 1, most - 1, most, *sizes, *(n - 1 for n in sizes)}
            unbounded = value[1] is sre.MAXREPEAT
            chosen = rng.choice([n for n in counts if least <= n and (unbounded or n <= most)])
            return "".join(_member(inner, sizes, rng) for _ in range(min(chosen, 3000)))
        case _:  # an anchor or a look-around
            return ""


def _class(parts: list[Any]) -> list[str]:
    """Characters that a class takes: of each range the first, a middle one and the last."""
    listed = _listed(parts)
    if parts[0][0] is not sre.NEGATE:
        return listed
    excluded = re.compile("[" + "".join(map(re.escape, listed)) + "]")
    return [c for c in "ab0-ñ Z" if not excluded.match(c)] or ["€"]


def _listed(parts: list[Any]) -> list[str]:
    listed: list[str] = []
    for op, value in parts:
        if op is sre.LITERAL:
            listed.append(chr(value))
        elif op is sre.RANGE:
            listed += [chr(value[0]), chr((value[0] + value[1]) // 2), chr(value[1])]
        elif op is sre.CATEGORY:
            listed += {sre.CATEGORY_DIGIT: "059", sre.CATEGORY_SPACE: " \n"}.get(value, "aZ0_")
    return listed


def _characters_and_repeats(patterns: list[str]) -> tuple[list[str], set[int]]:
    """The characters at which patterns may part ways, with their neighbours; limits of repeats."""
    inside: dict[str, None] = {}
    repeats: set[int] = set()

    def walk(tree: Any) -> None:
        for op, value in tree:
            if op in (sre.LITERAL, sre.NOT_LITERAL):
                inside[chr(value)] = None
            elif op is sre.ANY:
                inside.update(dict.fromkeys("\n "))
            elif op is sre.IN:
                inside.update(dict.fromkeys(_listed(value) + _class(value)))
            elif op is sre.BRANCH:
                for branch in value[1]:
                    walk(branch)
            elif op in (sre.SUBPATTERN, sre.MAX_REPEAT, sre.MIN_REPEAT):
                walk(value[-1])
            if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
                repeats.update(n for n in value[:2] if n is not sre.MAXREPEAT)

    for pattern in patterns:
        walk(parser.parse(pattern))
    around = [chr(ord(c) + d) for c in inside for d in (-1, 1) if 32 < ord(c) + d < 0xD800]
    return (list(dict.fromkeys([*inside, *around, "a", " "])) if patterns else []), repeats


def _near(members: list[str], alphabet: list[str], rng: random.Random) -> Iterator[str]:
    """Each member with one character added, left out or exchanged; then two in a row."""
    letters = alphabet or ["a", "0", " "]
    for member in members:
        if len(member) > 80:
            yield member[:-1]
            yield member + rng.choice(letters)
            continue
        yield from (member + letter for letter in letters[:12])
        yield from (letter + member for letter in letters[:12])
        for at in range(min(len(member), 12)):
            yield member[:at] + member[at + 1 :]
            for letter in rng.sample(letters, min(3, len(letters))):
                yield member[:at] + letter + member[at + 1 :]
                yield member[:at] + letter + member[at:]
    yield from (a + b for a in members[:12] for b in members[:12])


def _words(alphabet: list[str]) -> Iterator[str]:
    for length in itertools.count(1):
        yield from map("".join, itertools.product(alphabet, repeat=length))
