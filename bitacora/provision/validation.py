"""Strict validation of a request against botocore's service model, before it is sent.

botocore itself checks types, required and unknown members and minima. What AWS refuses beyond that
stands in the same model and is checked here: enumerations, maxima and patterns.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import Shape
from botocore.validate import ParamValidator


def faults(request: Any, shape: Shape) -> list[str]:
    """Everything wrong with `request`, one line each; empty when AWS would take its form."""
    report = ParamValidator().validate(request, shape).generate_report()
    return [*report.splitlines(), *_beyond_botocore(request, shape, "")]


def _beyond_botocore(value: Any, shape: Shape, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _members(value, shape, at)
    elif isinstance(value, (list, tuple)) and shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _beyond_botocore(item, shape.member, f"{at}[{index}]")  # type: ignore[attr-defined]
    elif isinstance(value, str):
        yield from _text(value, shape, at)
    if (size := _size(value)) is not None and size > shape.metadata.get("max", size):
        yield f"{at}: {size} is more than the maximum {shape.metadata['max']}"


def _members(value: dict[str, Any], shape: Any, at: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, item in value.items():
            if name in shape.members:
                yield from _beyond_botocore(item, shape.members[name], f"{at}.{name}".lstrip("."))
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _beyond_botocore(key, shape.key, f"{at} key {key}")
            yield from _beyond_botocore(item, shape.value, f"{at}.{key}")


def _text(value: str, shape: Any, at: str) -> Iterator[str]:
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield f"{at}: {value!r} is not one of {', '.join(allowed)}"
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compiled(pattern)) and not compiled.fullmatch(value):
        yield f"{at}: {value!r} does not match {pattern}"


def _size(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    return len(value) if isinstance(value, (str, bytes, list)) else None


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The model's patterns are Java's: character classes by property are put in Python's words.

    A pattern that still isn't Python's is not checked: refusing a request that AWS takes would be
    worse than passing one on that the service refuses.
    """
    for java, python in ((r"\p{L}", "a-zA-Z\u00c0-\uffff"), (r"\p{N}", "0-9"), (r"\p{Z}", r"\s")):
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None
