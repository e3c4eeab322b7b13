"""The one rule that turns Pulumi inputs into a request of the AWS API.

The shape of the operation's input, in botocore's service model, drives it:

- A key goes to the member of the same letters: `streamViewType` → `StreamViewType`.
- Failing that, to the one member that repeats words of its structure's own name before them:
  `name` → `TableName` in CreateTable, `type` → `AttributeType` in AttributeDefinition.
- `names` says the rest: {"attributes": "AttributeDefinitions"}; nested keys by path, "ttl.enabled".
- Where Pulumi has a list of one object for a structure, or the other way round, the shape decides.
- A map is the user's own and stays as it is, unless the shape is a list of Key/Value pairs (tags).

A key without a member is an error that names it: nothing is dropped silently.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any


class Untranslated(Exception):
    """An input has no counterpart in the request; the message is its path."""


def translate(value: Any, shape: Any, names: Mapping[str, str], at: str = "") -> Any:
    """`value` as the request that `shape` describes. Raises Untranslated."""
    match shape.type_name:
        case "structure":
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            return _structure(value, shape, names, at) if isinstance(value, dict) else value
        case "list":
            if isinstance(value, dict):
                pairs = _pairs(value, shape.member)
                value = [value] if pairs is None else pairs
            if not isinstance(value, list):
                return value
            return [translate(item, shape.member, names, at) for item in value]
        case "blob" if isinstance(value, str):
            return value.encode()
        case _:
            return value


def _structure(
    value: dict[str, Any], shape: Any, names: Mapping[str, str], at: str
) -> dict[str, Any]:
    request = {}
    for key, item in value.items():
        path = f"{at}.{key}".lstrip(".")
        member = names.get(path) or _member(key, shape)
        if member is None:
            raise Untranslated(path)
        request[member] = translate(item, shape.members[member], names, path)
    return request


def _pairs(value: dict[str, Any], shape: Any) -> list[dict[str, Any]] | None:
    """{"team": "orders"} as [{"Key": "team", "Value": "orders"}], in the shape's own words."""
    members = list(getattr(shape, "members", ()))
    key = next((m for m in members if m.lower().endswith(("key", "name"))), None)
    text = next((m for m in members if m.lower().endswith("value")), None)
    if len(members) != 2 or key is None or text is None:
        return None
    return [{key: name, text: content} for name, content in value.items()]


def _member(key: str, shape: Any) -> str | None:
    members: dict[str, str] = {member.lower(): member for member in shape.members}
    if exact := members.get(key.lower()):
        return exact
    candidates = {f"{words}{key}".lower() for words in _words(shape.name)}
    found = [members[candidate] for candidate in candidates & members.keys()]
    return found[0] if len(found) == 1 else None


@cache
def _words(name: str) -> frozenset[str]:
    """Every run of neighbouring words: CreateTableInput → Create, CreateTable, Table, …"""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return frozenset(
        "".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, len(words) + 1)
    )
