"""The commit as a DynamoDB item: text as S, numbers as N, prev and hash as 32 raw bytes (B)."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from reference_service.cqrs.commit import Commit
from reference_service.schemas import Undecodable
from reference_service.struct_types import build

build(Commit)
_BINARY = frozenset({"prev", "hash"})


def to_item(commit: Commit) -> dict[str, Any]:
    return {name: _attribute(name, getattr(commit, name)) for name in Commit.__struct_fields__}


def from_item(item: Mapping[str, Any]) -> Commit:
    """The commit in an item, as the SDK or a stream event gives it. Raises Undecodable."""
    try:
        values = {name: _value(attribute) for name, attribute in item.items()}
        return msgspec.convert(values, Commit)
    except (ValueError, TypeError, AttributeError) as fault:
        raise Undecodable(f"an item that is no commit: {fault}") from fault


def _attribute(name: str, value: str | int) -> dict[str, Any]:
    if isinstance(value, int):
        return {"N": str(value)}
    return {"B": bytes.fromhex(value)} if name in _BINARY else {"S": value}


def _value(attribute: Mapping[str, Any]) -> str | int:
    ((kind, value),) = attribute.items()
    match kind, value:
        case "S", str():
            return value
        case "N", str():
            return int(value)
        case "B", bytes():
            return value.hex()
        case "B", str():  # a Lambda event carries binary as base64
            return base64.b64decode(value, validate=True).hex()
        case _:
            raise ValueError(f"an attribute of type {kind}")
