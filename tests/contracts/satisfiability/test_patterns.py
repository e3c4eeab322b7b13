"""Texts are found for what patterns ask, and only where there is none is none found."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitacora.contracts.satisfiability.patterns import (
    TEXT,
    Unsupported,
    exactly,
    found_by,
    sized,
)
from bitacora.contracts.satisfiability.regular import Term, both, members, without


def text(
    found: list[str], missed: list[str] | None = None, least: int = 0, most: int | None = None
) -> str | None:
    """The first text that matches all of `found` and none of `missed`."""
    terms = [TEXT, sized(least, most), *map(found_by, found)]
    return next(members(both([*terms, *(without(found_by(each)) for each in missed or [])])), None)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("^[A-Z]{3}$", "^[A-Z]{2,3}$"),
        ("^[A-Z]{3}$", "[A-Z]"),
        ("^a{2,5}$", "^a*$"),
        ("^(ab|cd)+$", "^[a-d]*$"),
        ("^(0|[1-9][0-9]{0,6})\\.[0-9]{2}$", "^[0-9]{1,7}\\.[0-9]{2}$"),
        ("abc", "b"),
        ("^a|^b", "^[ab]"),
        ("^x$", "x"),
        ("^[^ ]+$", "^[^ \\t]*|\\t"),
        ("^\\d{4}$", "^[0-9]{4}$"),
        ("^[0-9a-f]{8}-[0-9a-f]{4}$", "^[0-9A-Fa-f-]{13}$"),
        ("^(a?){3}$", "^a{0,3}$"),
        ("^(?:a|b)c?$", "^[ab]c{0,1}$"),
    ],
)
def test_what_is_narrower_is_seen_to_be_and_the_difference_is_shown(narrow: str, wide: str) -> None:
    assert text([narrow], [wide]) is None
    more = text([wide], [narrow])
    if more is not None:
        assert re.search(wide, more)
        assert not re.search(narrow, more)


@pytest.mark.parametrize(
    ("pattern", "least", "most", "expected"),
    [
        ("^[A-Z]{3}$", 4, None, None),
        ("^[a-z]+$", 3, 3, "aaa"),
        ("Z$", 0, 30, "Z"),
        ("^$", 0, None, ""),
        ("^$", 1, None, None),
        ("^a.c$", 0, None, "aac"),
        ("^[^a-z]$", 0, None, "A"),
    ],
)
def test_lengths_count(pattern: str, least: int, most: int | None, expected: str | None) -> None:
    assert text([pattern], least=least, most=most) == expected


@pytest.mark.parametrize(
    "pattern", ["(?=a)b", "(?!a)", "(a)\\1", "\\bword\\b", "(?<name>a)", "a++", "^*", "\\p{L}"]
)
def test_what_is_no_matter_of_texts_is_unsupported(pattern: str) -> None:
    with pytest.raises(Unsupported):
        found_by(pattern)


def test_one_text_can_be_left_out() -> None:
    assert next(members(both([TEXT, found_by("^a?$"), without(exactly(""))]))) == "a"
    assert next(members(both([found_by("^a$"), without(exactly("a"))])), None) is None


ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "ab", "\\.", "[a-c]", "(a|bc)"])
COUNTS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}"])
SIMPLE = st.lists(st.tuples(ATOMS, COUNTS), min_size=1, max_size=4).map(
    lambda parts: "".join(f"(?:{atom}){count}" for atom, count in parts)
)
PATTERNS = st.tuples(st.sampled_from(["", "^"]), SIMPLE, st.sampled_from(["", "$"])).map("".join)


def finds(pattern: str, value: str) -> bool:
    """As ECMA-262 has it: `$` is the very end, where Python's also stands before a line end."""
    return re.search(pattern.replace("$", r"\Z"), value) is not None


def language(pattern: str) -> Term:
    return both([TEXT, found_by(pattern)])


@given(PATTERNS, st.text("abc.x", max_size=6))
def test_a_text_is_in_the_language_if_the_pattern_finds_it(pattern: str, value: str) -> None:
    inside = next(members(both([language(pattern), exactly(value)])), None) is not None
    assert inside == finds(pattern, value)


@given(PATTERNS, PATTERNS)
def test_each_text_that_is_found_has_been_asked_for(first: str, second: str) -> None:
    for value in islice(members(both([language(first), without(found_by(second))])), 5):
        assert finds(first, value)
        assert not finds(second, value)


@given(PATTERNS, PATTERNS, st.text("abc.x", max_size=6))
def test_nothing_is_found_only_where_nothing_is(first: str, second: str, value: str) -> None:
    if finds(first, value) and not finds(second, value):
        assert text([first], [second]) is not None
