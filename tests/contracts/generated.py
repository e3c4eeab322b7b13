"""Values that a schema of contracts/ accepts, for property tests.

The words of JSON Schema that stored events use, no more: hypothesis-jsonschema does not know the
draft, nor `$ref` with siblings.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from reference_service.schemas import Schemas
from tests.contracts.language import SCHEMAS

TYPES = {schema["$id"]: schema for schema in SCHEMAS.values()}
CONTRACTS = Schemas.load()


def instances(name: str) -> st.SearchStrategy[Any]:
    """Valid values by the schema of this name, as JSON."""
    return _values(SCHEMAS[name]).filter(lambda value: CONTRACTS.check(name, value) == ())


def _values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    match schema:
        case {"$ref": str(ref), **siblings}:
            return _values(_merged(TYPES[ref], siblings))
        case {"enum": list(values)}:
            return st.sampled_from(values)
        case {"type": [str(kind), "null"]}:
            return st.none() | _values({**schema, "type": kind})
        case {"type": "object", "properties": dict(properties)}:
            fields = {key: _values(each) for key, each in properties.items()}
            required = {key: fields.pop(key) for key in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=fields)
        case {"type": "array", "items": dict(items)}:
            few, many = schema["minItems"], schema["maxItems"]
            return st.lists(_values(items), min_size=few, max_size=few + 3) | st.lists(
                st.shared(_values(items)), min_size=many, max_size=many
            )
        case {"type": "string", "pattern": str(pattern)}:
            limit = schema.get("maxLength", 2**20)
            texts = st.from_regex(pattern.removesuffix("$") + r"\Z")
            return texts.filter(lambda text: len(text) <= limit)
        case {"type": "integer", "minimum": int(least), "maximum": int(most)}:
            numbers = st.integers(least, most)
            return numbers | numbers.map(float)  # to JSON Schema 2.0 is an integer
        case _:
            raise NotImplementedError(f"no values for {schema}")


def _merged(schema: Mapping[str, Any], siblings: Mapping[str, Any]) -> dict[str, Any]:
    """`siblings` stand beside a `$ref` to narrow it: they say more of the same places."""
    merged = dict(schema)
    for key, value in siblings.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, Mapping) else value
    return merged
