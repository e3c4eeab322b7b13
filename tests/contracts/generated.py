"""Values that a schema of contracts/ accepts, for property tests.

Of all that contracts/ may say, what a generated type can hold: no `oneOf`, no `prefixItems`.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from bitacora.contracts.folder import Folder
from bitacora.contracts.keywords import at
from reference_service.schemas import CONTRACTS as FOLDER
from reference_service.schemas import Schemas

# Each stands by itself: its `$ref`s lead into its own `$defs`.
DOCUMENTS = {v.name: document.schema for v, document in Folder.read(FOLDER).documents.items()}
CONTRACTS = Schemas.load()
LONG = 100
FORMATS: Mapping[str, st.SearchStrategy[str]] = {
    "date": st.dates().map(lambda day: day.isoformat()),
    "time": st.times().map(lambda time: f"{time.isoformat('seconds')}Z"),
    "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat('T', 'milliseconds')}Z"),
    "uuid": st.uuids().map(str),
    "email": st.from_regex(r"\A[a-z]{1,9}@[a-z]{1,9}[.]example\Z"),
    "uri": st.from_regex(r"\Ahttps://[a-z]{1,9}[.]example/[a-z]{0,9}\Z"),
}


def instances(name: str) -> st.SearchStrategy[Any]:
    """Valid values by the schema of this name, as JSON."""
    schema = _whole(DOCUMENTS[name], DOCUMENTS[name])
    return _values(schema).filter(lambda value: CONTRACTS.check(name, value) == ())


def _whole(node: Any, root: Any) -> Any:
    """The schema with what a `$ref` leads to in its place."""
    match node:
        case {"$ref": str(ref), **siblings}:
            return _merged(_whole(at(root, ref[1:]), root), _whole(siblings, root))
        case dict():
            return {key: _whole(member, root) for key, member in node.items()}
        case list():
            return [_whole(member, root) for member in node]
        case _:
            return node


def _values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values near the schema; whoever asks leaves out those that it refuses."""
    match schema:
        case {"const": value}:
            return st.just(value)
        case {"enum": list(values)}:
            return st.sampled_from(values)
        case {"type": [*kinds]}:
            return st.one_of([_values({**schema, "type": kind}) for kind in kinds])
        case {"type": "object"}:
            properties = schema.get("properties", {})
            fields = {key: _values(each) for key, each in properties.items()}
            required = {key: fields.pop(key) for key in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=fields)
        case {"type": "array", "items": dict(items)}:
            return _lists(schema, _values(items))
        case {"type": "string"}:
            return _texts(schema)
        case {"type": "integer" | "number" as kind}:
            return _numbers(schema, kind)
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case _:
            raise NotImplementedError(f"no values for {schema}")


def _lists(schema: Mapping[str, Any], items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Short ones, and those as long as the schema allows, up to LONG."""
    few = schema.get("minItems", 0)
    many = min(schema.get("maxItems", LONG), max(few, LONG))
    if schema.get("uniqueItems"):
        return st.lists(items, min_size=few, max_size=min(many, few + 3), unique_by=json.dumps)
    short = st.lists(items, min_size=few, max_size=min(many, few + 3))
    return short | st.lists(st.shared(items), min_size=many, max_size=many)


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if "format" in schema:
        return FORMATS[schema["format"]]
    few, many = schema.get("minLength", 0), schema.get("maxLength", 2**20)
    if "pattern" in schema:
        texts = st.from_regex(re.sub(r"\$(?=$|\))", r"\\Z", schema["pattern"]))
        return texts.filter(lambda text: few <= len(text) <= many)
    return st.text(st.characters(codec="utf-8"), min_size=few, max_size=many)


def _numbers(schema: Mapping[str, Any], kind: str) -> st.SearchStrategy[float]:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -(2**53)))
    most = schema.get("maximum", schema.get("exclusiveMaximum", 2**53))
    if kind == "number" and "multipleOf" not in schema:
        return st.floats(least, most)
    step = schema.get("multipleOf", 1)
    whole = st.integers(math.ceil(least / step), math.floor(most / step)).map(lambda n: n * step)
    return whole | whole.map(float)  # to JSON Schema 2.0 is an integer


def _merged(schema: Mapping[str, Any], siblings: Mapping[str, Any]) -> dict[str, Any]:
    """`siblings` stand beside a `$ref` to narrow it: they say more of the same places."""
    merged = dict(schema)
    for key, value in siblings.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, Mapping) else value
    return merged
