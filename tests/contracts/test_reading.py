"""A producer writes closed, a consumer reads open: each reading is a schema again."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bitacora.contracts.documents import Document
from bitacora.contracts.reading import as_read, as_written
from reference_service.schemas import opened
from tests.contracts.language import SCHEMAS

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def accepts(schema: Any, instance: Any) -> bool:
    return Draft202012Validator(Document.of(schema).schema).is_valid(instance)


def written(schema: Any, instance: Any) -> bool:
    return accepts(as_written(Document.of(schema).schema), instance)


def read(schema: Any, instance: Any) -> bool:
    return accepts(as_read(Document.of(schema).schema), instance)


NESTED = {"properties": {"a": {"properties": {"b": TEXT}}, "l": {"items": {"properties": {}}}}}


@pytest.mark.parametrize(
    ("schema", "described", "more"),
    [
        ({"properties": {"a": TEXT}}, {"a": ""}, {"a": "", "b": ""}),
        (NESTED, {"a": {"b": ""}}, {"a": {"b": "", "c": 1}}),
        (NESTED, {"l": [{}]}, {"l": [{"c": 1}]}),
        ({"patternProperties": {"^x-": TEXT}}, {"x-a": ""}, {"y": ""}),
        ({"allOf": [{"properties": {"a": TEXT}}], "properties": {"b": TEXT}}, {"a": "", "b": ""},
         {"a": "", "c": ""}),
        ({"$defs": {"t": {"properties": {"a": TEXT}}}, "$ref": "#/$defs/t"}, {"a": ""}, {"b": 1}),
        ({"oneOf": [{"properties": {"a": TEXT}, "required": ["a"]},
                    {"properties": {"b": TEXT}, "required": ["b"]}]}, {"a": ""}, {"a": "", "c": 1}),
    ],
)  # fmt: skip
def test_a_producer_writes_only_what_its_schema_describes(
    schema: Any, described: Any, more: Any
) -> None:
    assert written(schema, described)
    assert accepts(schema, more)
    assert not written(schema, more)


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"type": "object"}, {"free": 1}),
        ({"properties": {}, "additionalProperties": TEXT}, {"free": ""}),
        ({"properties": {}, "additionalProperties": True}, {"free": 1}),
        ({"not": {"properties": {"a": TEXT}, "required": ["a"]}}, {"free": 1}),
        # Two schemas describe the value of `a`: neither can say alone what is unknown in it.
        ({"properties": {"a": {"properties": {"b": TEXT}}},
          "allOf": [{"properties": {"a": {"properties": {"c": TEXT}}}}]},
         {"a": {"b": "", "c": ""}}),
    ],
)  # fmt: skip
def test_a_producer_may_write_what_its_schema_speaks_of_otherwise(
    schema: Any, instance: Any
) -> None:
    assert written(schema, instance)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": TEXT}, "additionalProperties": False},
        {"properties": {"a": TEXT}, "unevaluatedProperties": False},
        {"allOf": [{"properties": {"a": TEXT}, "additionalProperties": False}]},
        {"$defs": {"t": {"properties": {"a": TEXT}, "additionalProperties": False}},
         "$ref": "#/$defs/t"},
    ],
)  # fmt: skip
def test_a_consumer_passes_over_what_it_does_not_know(schema: Any) -> None:
    assert not accepts(schema, {"b": 1})
    assert read(schema, {"b": 1})
    assert not read(schema, {"a": 1})


def test_what_a_consumer_refuses_stays_refused() -> None:
    closed = {"properties": {"kind": TEXT}, "additionalProperties": False}
    unlike = {"$defs": {"bare": closed}, "not": {"$ref": "#/$defs/bare"}}
    assert read(unlike, {"kind": "", "more": 1})
    assert not read(unlike, {"kind": ""})
    mapped = {"properties": {"a": TEXT}, "additionalProperties": NUMBER}
    assert not read(mapped, {"b": "text"})


@pytest.mark.parametrize("name", SCHEMAS)
def test_functions_read_open_as_the_checker_thinks_they_do(name: str) -> None:
    by_id = {schema["$id"]: schema for schema in SCHEMAS.values()}
    mine = as_read(Document.of(SCHEMAS[name], name, by_id.get).schema)
    theirs = {each: opened(schema) for each, schema in by_id.items()}
    assert mine == Document.of(opened(SCHEMAS[name]), name, theirs.get).schema
