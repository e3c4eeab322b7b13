"""The form of the files beside the schemas: topology.json, http_api.json and pyproject.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any

from jsonschema import Draft202012Validator

from bitacora.contracts.documents import ContractFault
from bitacora.contracts.keywords import pointer_of

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "uniqueItems": True}


def _record(fields: Mapping[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in fields if name not in optional],
        "properties": fields,
        "additionalProperties": False,
    }


def _map(values: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


WAYS = _map(
    _record(
        {
            "source": _TEXT,
            "stream": _TEXT,
            "schema": _TEXT,
            "consumers": {**_TEXTS, "minItems": 1},
        }
    )
)

_STATUS = {"type": "integer", "minimum": 200, "maximum": 599}
# Headers are sent with each answer, optional ones only with some.
_HEADERS = {"headers": _TEXTS, "optional_headers": _TEXTS}
_ROUTE = _record(
    {
        "route": {"type": "string", "pattern": "^(GET|POST|PUT|PATCH|DELETE) /[^ ]*$"},
        "function": _TEXT,
        "operation": _TEXT,
        "summary": _TEXT,
        "description": _TEXT,
        "parameters": _TEXTS,
        "command": _TEXT,
        "answer": _record(
            {"status": _STATUS, "description": _TEXT, "schema": _TEXT, **_HEADERS},
            optional=["optional_headers"],
        ),
        "unchanged": _record({"description": _TEXT, **_HEADERS}, optional=["optional_headers"]),
        "problems": _TEXTS,
    },
    optional=["command", "unchanged"],
)
_STATUSES = [str(status) for status in responses if status >= 400]
_GATEWAY = {**_map(_TEXT), "propertyNames": {"enum": _STATUSES}}
API = _record(
    {
        "title": _TEXT,
        "description": _TEXT,
        "version": _TEXT,
        "security": _map({"type": "object"}),
        "parameters": _map({"type": "object", "required": ["in", "description", "schema"]}),
        "headers": _map({"type": "object", "required": ["description", "schema"]}),
        "always": _TEXTS,
        "routes": {"type": "array", "items": _ROUTE},
        "problem": _TEXT,
        "titles": _map(_TEXT),
        "problems": _map(
            _record({"status": _STATUS, "description": _TEXT, "members": _TEXTS, "headers": _TEXTS})
        ),
        "gateway": _record({"schema": _TEXT, "statuses": _GATEWAY}),
    }
)

_MODULE = _record({"events": _TEXT, "summary": _TEXT, "import": _map(_TEXT)}, optional=["import"])
SETTINGS = _record(
    {
        "names": _record({"bus": _TEXT, "topic": _TEXT, "queues-of-bus": _TEXTS}),
        "modules": _map(_MODULE),
    }
)


def held(value: Any, form: Mapping[str, Any], where: str, pointer: str = "") -> Any:
    """The value, when it has the form. Raises ContractFault at its first fault."""
    errors = Draft202012Validator(form).iter_errors(value)
    for error in sorted(errors, key=lambda error: list(map(str, error.absolute_path))):
        place = pointer_of(tuple(map(str, error.absolute_path)))
        raise ContractFault(where, pointer + place, error.message)
    return value
