"""The schema that is asked is not the one that was written, and gives the same answer."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, Registry

from reference_service.quicker import quicker
from reference_service.schemas import Schemas
from tests.contracts.language import MESSAGES, SCHEMAS, example

CONTRACTS = Schemas.load()
TYPES = {schema["$id"]: schema for name, schema in SCHEMAS.items() if name.startswith("types/")}
TYPES["urn:bitacora:type:list:v1"] = {
    "$id": "urn:bitacora:type:list:v1",
    "properties": {"rest": {"$ref": "#"}, "a": {"type": "integer"}},
    "additionalProperties": False,
}
OTHERS: list[Any] = [
    None,
    True,
    0,
    -1,
    2.0,
    1.5,
    10**9,
    10**16,
    "",
    "x",
    "EUR\n",
    "x" * 400,
    [],
    {},
]


def as_written(schema: dict[str, Any]) -> Any:
    registry = Registry(list(TYPES.items()))
    return Draft202012Validator(schema, registry=registry, validate_formats=True)


def altered(value: Any) -> Iterator[Any]:
    """The value with one place replaced, taken away or added to, for every place."""
    yield from (copy.deepcopy(other) for other in OTHERS)
    places: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        places = list(value.items())
    if isinstance(value, list):
        places = list(enumerate(value))
    for key, inner in places:
        for other in altered(inner):
            yield replaced(value, key, other)
        without = copy.deepcopy(value)
        del without[key]
        yield without
    if isinstance(value, dict):
        yield value | {"unknown": 1}
        yield {**dict(list(value.items())[1:]), "unknown": 1}
    if isinstance(value, list):
        yield value * 51


def replaced(value: Any, key: Any, other: Any) -> Any:
    made = copy.copy(value)
    made[key] = other
    return made


@pytest.mark.parametrize("name", MESSAGES)
def test_both_accept_and_refuse_the_same(name: str) -> None:
    asked, written = CONTRACTS.question(name), as_written(SCHEMAS[name]).is_valid
    assert asked(example(name, "minimal"))
    assert not any(asked(bad["data"]) for bad in example(name, "bad"))
    answers = set()
    for value in altered(example(name, "full")):
        answers.add(written(value))
        assert asked(value) == written(value), value
    assert False in answers


MONEY = "urn:bitacora:type:money:v1"


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"description": "Any."},
        {"properties": {"amount": {"maximum": 5}}},
        {"properties": {"amount": {"minimum": 5}}},
        {"properties": {"amount": {"minimum": 0, "maximum": 10**18}}},
        {"properties": {"amount": {"multipleOf": 2}}},
        {"properties": {"currency": {"enum": ["EUR"]}}},
        {"properties": {"vat": {"type": "integer"}}},
        {"required": ["amount"]},
        {"required": ["vat"]},
        {"type": "object"},
        {"type": ["object", "null"]},
        {"minProperties": 3},
        {"not": {"required": ["amount"]}},
        {"additionalProperties": True},
        {"unevaluatedProperties": False},
        {"properties": {"amount": False}},
    ],
    ids=str,
)
def test_what_stands_beside_a_reference_narrows_it(beside: dict[str, Any]) -> None:
    schema = {"$ref": MONEY, **beside}
    made = {id_: quicker(each, TYPES) for id_, each in TYPES.items()}
    asked = Draft202012Validator(quicker(schema, TYPES), registry=Registry(list(made.items())))
    for value in altered({"amount": 4, "currency": "EUR"}):
        assert asked.is_valid(value) == as_written(schema).is_valid(value), value


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "urn:bitacora:type:list:v1", "properties": {"rest": {"type": "object"}}},
        {"properties": {"a": {}}, "required": ["a"], "additionalProperties": False},
        {"properties": {"a": {}}, "required": ["a"]},
        {"properties": {"a": {}}, "required": [], "additionalProperties": False},
        {"properties": {"a": {}}, "required": ["a", "b"], "additionalProperties": False},
        {
            "properties": {"a": {}},
            "required": ["a"],
            "additionalProperties": False,
            "patternProperties": {"^u": {}},
        },
        {
            "properties": {"a": {}},
            "required": ["a"],
            "additionalProperties": False,
            "minProperties": 2,
        },
        {"properties": {"a": False}, "required": ["a"], "additionalProperties": False},
        {"items": {"$ref": MONEY}},
        {"items": False},
    ],
    ids=str,
)
def test_no_shape_of_schema_is_changed_in_meaning(schema: dict[str, Any]) -> None:
    asked = Draft202012Validator(quicker(schema, TYPES), registry=Registry(list(TYPES.items())))
    values: list[Any] = [{"rest": {"rest": {"a": ""}}}, {"rest": {"rest": {"a": 1}}}, {"rest": 1}]
    values += [{"a": 1}, {"b": 1}, {"unknown": 1}, {"a": 1, "b": 1}, {"a": 1, "unknown": 1}]
    for value in [*values, {}, [], [1], [{"amount": 1, "currency": "EUR"}], None, "a"]:
        assert asked.is_valid(value) == as_written(schema).is_valid(value), value
