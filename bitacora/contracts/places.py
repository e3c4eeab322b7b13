"""Where in a JSON text something stands: lines for people, editors and annotations."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from bitacora.contracts.keywords import pointer_of, steps

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class _Member(NamedTuple):
    """A key or an index with the offset of its value, and of the key itself."""

    step: str
    offset: int
    value: int


def line_of(text: bytes, pointer: str) -> int | None:
    """The line, from 1, of what a JSON pointer leads to, or of the nearest thing around it.

    None when the text is no JSON.
    """
    try:
        written = text.decode()
        at = shown = _after_space(written, 0)
        for step in steps(pointer):
            member = next((one for one in _members(written, at) if one.step == step), None)
            if member is None:
                break
            at, shown = member.value, member.offset
    except (ValueError, IndexError, RecursionError):
        return None
    return written.count("\n", 0, shown) + 1


def keys_twice(text: bytes) -> list[tuple[str, int]]:
    """JSON pointer and line of each key that its object has already; [] when it is no JSON."""
    try:
        written = text.decode()
        _DECODER.decode(written)
        return list(_twice(written))
    except (ValueError, IndexError, RecursionError):
        return []


def _twice(written: str) -> Iterator[tuple[str, int]]:
    waiting: list[tuple[tuple[str, ...], int]] = [((), _after_space(written, 0))]
    while waiting:
        path, at = waiting.pop()
        seen: set[str] = set()
        for member in _members(written, at):
            here = (*path, member.step)
            if member.step in seen:
                yield pointer_of(here), written.count("\n", 0, member.offset) + 1
            seen.add(member.step)
            waiting.append((here, member.value))


def _members(written: str, at: int) -> Iterator[_Member]:
    """What stands directly in the object or array at an offset; nothing in a scalar."""
    opening = written[at : at + 1]
    if opening not in ("{", "["):
        return
    at, index = _after_space(written, at + 1), 0
    while written[at] not in "]}":
        offset, step = at, str(index)
        if opening == "{":
            step, at = _DECODER.raw_decode(written, at)
            at = _after_space(written, _after_space(written, at) + 1)
        yield _Member(step, offset, at)
        _, at = _DECODER.raw_decode(written, at)
        at, index = _after_space(written, at), index + 1
        if written[at] == ",":
            at = _after_space(written, at + 1)


def _after_space(written: str, at: int) -> int:
    found = _SPACE.match(written, at)
    return found.end() if found else at
