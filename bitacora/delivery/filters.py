"""Event patterns of FilterCriteria.

Rules: AWS Lambda developer guide, invocation-eventfiltering («Filter rule syntax»): equals, null,
empty, equals-ignore-case, anything-but, numeric, exists, prefix, suffix, and, or, $or. `exists`
looks at leaves only. DynamoDB numbers are strings ({"N": "5"}), so `numeric` never matches them.
"""

from collections.abc import Callable, Mapping
from typing import Any

Pattern = Callable[[Any], bool]
Test = Callable[[Any], bool]

NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}
ABSENT = object()


class InvalidPattern(Exception):
    """The pattern is no event pattern; the message says where and why."""


def parse_pattern(pattern: Any) -> Pattern:
    """A predicate over decoded JSON. Raises InvalidPattern."""
    if not isinstance(pattern, Mapping) or not pattern:
        raise InvalidPattern("a pattern is an object with at least one field")
    parts: list[Pattern] = []
    for field, rule in pattern.items():
        if field == "$or" and isinstance(rule, list):
            parts.append(_any_of([parse_pattern(alternative) for alternative in rule]))
        elif isinstance(rule, Mapping):
            parts.append(_nested(field, parse_pattern(rule)))
        elif isinstance(rule, list) and rule:
            parts.append(_leaf(field, [_rule(field, item) for item in rule]))
        else:
            raise InvalidPattern(f"{field}: an object or a non-empty list of rules expected")
    return lambda value: all(part(value) for part in parts)


def passes(patterns: tuple[Pattern, ...], view: Any) -> bool:
    """Filters are OR-ed; without any, everything passes."""
    return not patterns or any(pattern(view) for pattern in patterns)


def _any_of(patterns: list[Pattern]) -> Pattern:
    if len(patterns) < 2:
        raise InvalidPattern("$or: at least two alternatives expected")
    return lambda value: any(pattern(value) for pattern in patterns)


def _nested(field: str, inner: Pattern) -> Pattern:
    def matches(value: Any) -> bool:
        found = value.get(field, ABSENT) if isinstance(value, Mapping) else ABSENT
        if isinstance(found, list):
            return any(inner(item) for item in found)
        # An absent object still goes in: {"a": {"b": [{"exists": false}]}} matches {}.
        return inner({} if found is ABSENT else found)

    return matches


def _leaf(field: str, rules: list[Test]) -> Pattern:
    def matches(value: Any) -> bool:
        found = value.get(field, ABSENT) if isinstance(value, Mapping) else ABSENT
        candidates = found if isinstance(found, list) and found else [found]
        return any(rule(candidate) for rule in rules for candidate in candidates)

    return matches


def _rule(field: str, rule: Any) -> Test:
    if isinstance(rule, list):
        raise InvalidPattern(f"{field}: a rule can't be a list")
    if not isinstance(rule, Mapping):
        return _equals(rule)
    if len(rule) != 1:
        raise InvalidPattern(f"{field}: one operator a rule expected, got {sorted(rule)}")
    operator, operand = next(iter(rule.items()))
    match operator:
        case "exists" if isinstance(operand, bool):
            return lambda value: _is_leaf(value) is operand
        case "prefix" | "suffix" | "equals-ignore-case" if isinstance(operand, str):
            return _text(operator, operand)
        case "numeric":
            return _numeric(field, operand)
        case "anything-but":
            return _anything_but(field, operand)
    raise InvalidPattern(f"{field}: {operator!r} with {operand!r} is no known rule")


def _is_leaf(value: Any) -> bool:
    return value is not ABSENT and not isinstance(value, Mapping)


def _equals(expected: Any) -> Test:
    # Without the type check true would equal 1.
    return lambda value: value == expected and isinstance(value, bool) is isinstance(expected, bool)


def _text(operator: str, operand: str) -> Test:
    tests: dict[str, Callable[[str], bool]] = {
        "prefix": lambda value: value.startswith(operand),
        "suffix": lambda value: value.endswith(operand),
        "equals-ignore-case": lambda value: value.casefold() == operand.casefold(),
    }
    return lambda value: isinstance(value, str) and tests[operator](value)


def _numeric(field: str, operand: Any) -> Test:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise InvalidPattern(f"{field}: numeric takes [operator, number] once or twice")
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    for operator, limit in pairs:
        if operator not in NUMERIC or isinstance(limit, bool) or not isinstance(limit, int | float):
            raise InvalidPattern(f"{field}: numeric can't compare {operator!r} {limit!r}")
    return lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and all(NUMERIC[operator](value, limit) for operator, limit in pairs)
    )


def _anything_but(field: str, operand: Any) -> Test:
    excluded = operand if isinstance(operand, list) else [operand]
    if not excluded:
        raise InvalidPattern(f"{field}: anything-but needs at least one value")
    rules = [_rule(field, item) for item in excluded]
    return lambda value: _is_leaf(value) and not any(rule(value) for rule in rules)
