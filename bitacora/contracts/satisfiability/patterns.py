"""Regular expressions of JSON Schema (ECMA-262, read as Unicode) as sets of texts.

`\\d`, `\\w` and `\\s` are ECMA's, `$` is the very end. What no derivative can tell (lookaround,
references back, word boundaries) is unsupported.
"""

import re
from functools import lru_cache

from bitacora.contracts.satisfiability.regular import (
    ANY_CHARACTER,
    BEGIN,
    EMPTY_TEXT,
    END,
    Ranges,
    Term,
    chars,
    complement,
    either,
    merge,
    repeat,
    then,
)

DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_WIDER_SPACES = (0x20, 0xA0, 0x1680, 0x202F, 0x205F, 0x3000, 0xFEFF)
SPACE = merge(
    [(0x09, 0x0D), (0x2000, 0x200A), (0x2028, 0x2029), *((each, each) for each in _WIDER_SPACES)]
)
LINE_END = merge([(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)])
_CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_COUNTS = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
LARGEST_COUNT = 10_000


class Unsupported(Exception):
    """A regular expression with something that is not a matter of sets of texts."""


def compiles(pattern: str) -> str | None:
    """What is wrong with a regular expression; None when it can be used."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None


@lru_cache(maxsize=4096)
def found_by(pattern: str) -> Term:
    """The texts (between BEGIN and END) in which the pattern is found. Raises Unsupported."""
    anywhere = repeat(chars([(0, END)]), 0, None)
    return then(anywhere, then(_Parser(pattern).parsed(), anywhere))


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0

    def parsed(self) -> Term:
        term = self._alternatives()
        if self._at < len(self._pattern):
            raise Unsupported(f"a {self._pattern[self._at]} at {self._at}")
        return term

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._next()
        if not character:
            raise Unsupported("it ends too early")
        self._at += 1
        return character

    def _takes(self, expected: str) -> bool:
        if self._pattern.startswith(expected, self._at):
            self._at += len(expected)
            return True
        return False

    def _alternatives(self) -> Term:
        terms = [self._sequence()]
        while self._takes("|"):
            terms.append(self._sequence())
        return either(terms)

    def _sequence(self) -> Term:
        terms = []
        while self._next() not in ("", "|", ")"):
            terms.append(self._repeated())
        made = EMPTY_TEXT
        for term in reversed(terms):
            made = then(term, made)
        return made

    def _repeated(self) -> Term:
        anchor = self._next() in ("^", "$")
        term = self._atom()
        counts = self._counts()
        if counts is None:
            return term
        if anchor:
            raise Unsupported("a repeated anchor")
        self._takes("?")  # not greedy: the same texts
        if self._next() in ("*", "+"):
            raise Unsupported("a possessive quantifier")
        return repeat(term, *counts)

    def _counts(self) -> tuple[int, int | None] | None:
        if self._takes("*"):
            return 0, None
        if self._takes("+"):
            return 1, None
        if self._takes("?"):
            return 0, 1
        written = _COUNTS.match(self._pattern, self._at)
        if not written:
            return None
        self._at = written.end()
        least = int(written[1])
        most = least if not written[2] else int(written[3]) if written[3] else None
        if max(least, most or 0) > LARGEST_COUNT or (most is not None and most < least):
            raise Unsupported(f"the count {written[0]}")
        return least, most

    def _atom(self) -> Term:
        match self._take():
            case "^":
                return chars([(BEGIN, BEGIN)])
            case "$":
                return chars([(END, END)])
            case ".":
                return chars(complement(LINE_END))
            case "[":
                return self._class()
            case "(":
                return self._group()
            case "\\":
                return chars(self._escape(in_class=False))
            case "*" | "+" | "?" as stray:
                raise Unsupported(f"a {stray} after nothing")
            case character:
                return chars([(ord(character), ord(character))])

    def _group(self) -> Term:
        if self._takes("?") and not self._takes(":"):
            raise Unsupported("a group that looks around or has a name")
        term = self._alternatives()
        if not self._takes(")"):
            raise Unsupported("a group without end")
        return term

    def _class(self) -> Term:
        negated = self._takes("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._takes("]"):
            # Python takes a ] in the first place for a character, ECMA for the end.
            if first and self._next() == "]":
                raise Unsupported("an empty class")
            first = False
            low = self._member()
            if self._next() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._member()
                if len(low) != 1 or len(high) != 1 or low[0][0] > high[0][1]:
                    raise Unsupported("a range of classes")
                ranges.append((low[0][0], high[0][1]))
            else:
                ranges += low
        return chars(complement(ranges) if negated else ranges)

    def _member(self) -> Ranges:
        character = self._take()
        if character == "\\":
            return self._escape(in_class=True)
        return ((ord(character), ord(character)),)

    def _escape(self, in_class: bool) -> Ranges:
        character = self._take()
        if character in _CLASSES:
            return _CLASSES[character]
        if character.lower() in _CLASSES:
            return complement(_CLASSES[character.lower()])
        if character == "0" and self._next().isdigit():
            raise Unsupported("an octal escape")
        if character in _CONTROLS:
            return self._one(_CONTROLS[character])
        if character == "b" and in_class:
            return self._one("\b")
        if character in ("x", "u"):
            return self._one(self._coded(2 if character == "x" else 4))
        if character.isalnum():
            raise Unsupported(f"\\{character}")
        return self._one(character)

    def _coded(self, digits: int) -> str:
        written = self._pattern[self._at : self._at + digits]
        if not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", written):
            raise Unsupported("a half-written escape")
        self._at += digits
        return chr(int(written, 16))

    @staticmethod
    def _one(character: str) -> Ranges:
        return ((ord(character), ord(character)),)


# A text of characters, between the marks.
TEXT = then(chars([(BEGIN, BEGIN)]), then(repeat(ANY_CHARACTER, 0, None), chars([(END, END)])))


def exactly(value: str) -> Term:
    """The one text."""
    made = chars([(END, END)])
    for character in reversed(value):
        made = then(chars([(ord(character), ord(character))]), made)
    return then(chars([(BEGIN, BEGIN)]), made)


def sized(least: int, most: int | None) -> Term:
    """The texts with so many characters; `most` None is without end."""
    counted = repeat(ANY_CHARACTER, least, most)
    return then(chars([(BEGIN, BEGIN)]), then(counted, chars([(END, END)])))
