"""DynamoDB's expressions, as far as the service uses them: conditions, keys and updates.

Grammar: Amazon DynamoDB developer guide, Expressions.OperatorsAndFunctions and
Expressions.UpdateExpressions. What is not understood is refused, never ignored.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

Item: TypeAlias = Mapping[str, Any]
Names: TypeAlias = Mapping[str, str]
Values: TypeAlias = Mapping[str, Any]
Condition: TypeAlias = Callable[[Item, Names, Values], bool]
Operand: TypeAlias = Callable[[Item, Names, Values], Any]

_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),]|[#:]?\w+)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<>": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


class InvalidExpression(ValueError):
    """An expression that DynamoDB refuses, or that is not understood here."""


@cache
def condition(text: str) -> Condition:
    """The condition that a text asks. Raises InvalidExpression."""
    tokens = _Tokens(text)
    found = _either(tokens)
    tokens.expect_end()
    return found


@cache
def update(text: str) -> Callable[[dict[str, Any], Names, Values], None]:
    """Changes an item as an update expression says. Raises InvalidExpression."""
    tokens = _Tokens(text)
    sets: list[tuple[str, Operand]] = []
    removes: list[str] = []
    while tokens.next is not None:
        match tokens.take():
            case "SET":
                sets += _listed(tokens, _assignment)
            case "REMOVE":
                removes += _listed(tokens, _Tokens.take)
            case other:
                raise InvalidExpression(f"{other} in {text!r}")

    def change(item: dict[str, Any], names: Names, values: Values) -> None:
        # All operands are those from before the update.
        found = {names[name]: value(item, names, values) for name, value in sets}
        item.update(found)
        for name in removes:
            item.pop(names[name], None)

    return change


class _Tokens:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != re.sub(r"\s", "", text):
            raise InvalidExpression(f"cannot be read: {text!r}")
        self._place = 0

    @property
    def next(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def take(self) -> str:
        if self.next is None:
            raise InvalidExpression(f"ends too soon: {self._text!r}")
        self._place += 1
        return str(self._tokens[self._place - 1])

    def expect(self, token: str) -> None:
        if (found := self.take()) != token:
            raise InvalidExpression(f"{found} where {token} is expected in {self._text!r}")

    def expect_end(self) -> None:
        if self.next is not None:
            raise InvalidExpression(f"{self.next} is too much in {self._text!r}")


def _either(tokens: _Tokens) -> Condition:
    found = [_both(tokens)]
    while tokens.next == "OR":
        tokens.take()
        found.append(_both(tokens))
    return found[0] if len(found) == 1 else lambda *given: any(one(*given) for one in found)


def _both(tokens: _Tokens) -> Condition:
    found = [_single(tokens)]
    while tokens.next == "AND":
        tokens.take()
        found.append(_single(tokens))
    return found[0] if len(found) == 1 else lambda *given: all(one(*given) for one in found)


def _single(tokens: _Tokens) -> Condition:
    if tokens.next == "(":
        tokens.take()
        found = _either(tokens)
        tokens.expect(")")
        return found
    if tokens.next in ("attribute_exists", "attribute_not_exists"):
        wanted = tokens.take() == "attribute_exists"
        tokens.expect("(")
        name = tokens.take()
        tokens.expect(")")
        return lambda item, names, values: (names[name] in item) is wanted
    left, sign, right = _operand(tokens), tokens.take(), _operand(tokens)
    if sign not in _COMPARISONS:
        raise InvalidExpression(f"{sign} is no comparison")
    compare = _COMPARISONS[sign]

    def compared(item: Item, names: Names, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return sign == "<>"
        ((kind, value),), ((other_kind, other_value),) = one.items(), other.items()
        if kind != other_kind:
            return sign == "<>"
        if kind == "N":
            return compare(int(value), int(other_value))
        return compare(value, other_value)

    return compared


def _operand(tokens: _Tokens) -> Operand:
    token = tokens.take()
    if token == "if_not_exists":
        tokens.expect("(")
        name = tokens.take()
        tokens.expect(",")
        otherwise = _operand(tokens)
        tokens.expect(")")
        return lambda item, names, values: (
            item[names[name]] if names[name] in item else otherwise(item, names, values)
        )
    if token.startswith(":"):
        return lambda item, names, values: values[token]
    if token.startswith("#"):
        return lambda item, names, values: item.get(names[token])
    raise InvalidExpression(f"{token} is no operand")


def _assignment(tokens: _Tokens) -> tuple[str, Operand]:
    name = tokens.take()
    tokens.expect("=")
    return name, _operand(tokens)


def _listed(tokens: _Tokens, one: Callable[[_Tokens], Any]) -> list[Any]:
    found = [one(tokens)]
    while tokens.next == ",":
        tokens.take()
        found.append(one(tokens))
    return found
