"""Every contract is complete, closed, described and shown by examples."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from reference_service.order.codec import EVENTS as INTERNAL_EVENTS
from reference_service.order.codec import VERSIONS
from reference_service.order.commands import SCHEMAS as COMMAND_SCHEMAS
from reference_service.schemas import CONTRACTS, Schemas, event_schema, urn
from tests.contracts.language import EVENTS, MESSAGES, PUBLIC, SCHEMAS, TOPOLOGY, example

FORMS = ["minimal", "full"]
TYPES: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


def fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property and item below a schema, referenced types included, with its pointer."""
    yield from _below(SCHEMAS[name], "")


def _below(node: dict[str, Any], pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if "$ref" in node:
        yield from _below(TYPES[node["$ref"]].contents, pointer)
        return
    for key, child in node.get("properties", {}).items():
        yield f"{pointer}/{key}", child
        yield from _below(child, f"{pointer}/{key}")
    if "items" in node:
        yield f"{pointer}/0", node["items"]
        yield from _below(node["items"], f"{pointer}/0")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_says_what_it_is(name: str) -> None:
    schema = SCHEMAS[name]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == urn(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]
    if name.startswith(("events/", "commands/")):
        folder, _, version = name.rpartition("/")
        assert event_schema("public", schema["title"]).split("/")[2] == folder.split("/")[-1]
        assert version == "v1"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described_and_bounded(name: str) -> None:
    for pointer, field in fields(name):
        assert field.get("description"), f"{name}{pointer} has no description"
        resolved = TYPES[field["$ref"]].contents if "$ref" in field else field
        kind = resolved.get("type")
        bounded = {
            "string": {"maxLength", "pattern", "enum", "const"} & resolved.keys(),
            "integer": {"minimum"} <= resolved.keys() and {"maximum"} <= resolved.keys(),
            "array": {"minItems"} <= resolved.keys() and {"maxItems"} <= resolved.keys(),
        }
        assert bounded.get(str(kind), True), f"{name}{pointer} has no limit"


@pytest.mark.parametrize("name", SCHEMAS)
def test_producers_write_no_field_that_the_contract_does_not_know(name: str) -> None:
    nodes = [("", SCHEMAS[name]), *fields(name)]
    for pointer, node in nodes:
        if "properties" in node and "$ref" not in node:
            assert node["additionalProperties"] is False, f"{name}{pointer} is open"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MESSAGES)
def test_every_example_keeps_its_contract(name: str, form: str) -> None:
    assert Schemas.load().check(name, example(name, form)) == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MESSAGES)
def test_the_reference_validator_agrees(name: str, form: str) -> None:
    oracle = jsonschema.Draft202012Validator(
        SCHEMAS[name], registry=TYPES, format_checker=jsonschema.FormatChecker()
    )
    assert list(oracle.iter_errors(example(name, form))) == []


@pytest.mark.parametrize("name", MESSAGES)
def test_the_full_example_shows_every_field(name: str) -> None:
    shown = example(name, "full")
    for pointer, _ in fields(name):
        value = shown
        for step in pointer.split("/")[1:]:
            assert value is not None, f"{name}: the full example leaves {pointer} out"
            value = value[int(step)] if isinstance(value, list) else value[step]


@pytest.mark.parametrize("name", MESSAGES)
def test_the_minimal_example_shows_only_what_is_required(name: str) -> None:
    assert set(example(name, "minimal")) == set(SCHEMAS[name]["required"])


@pytest.mark.parametrize("form", FORMS)
def test_the_example_of_the_envelope_is_a_public_event(form: str) -> None:
    assert Schemas.load().check_public(example("envelope/v1", form)) == ()


def test_every_event_and_command_of_the_code_has_its_contract() -> None:
    internal = {event_schema("internal", kind, VERSIONS[kind]) for kind in INTERNAL_EVENTS}
    assert internal == set(EVENTS) - set(PUBLIC)
    assert set(COMMAND_SCHEMAS.values()) == {
        name for name in SCHEMAS if name.startswith("commands/")
    }


def test_nothing_but_contracts_stands_in_the_folder() -> None:
    files = {path.relative_to(CONTRACTS) for path in CONTRACTS.rglob("*") if path.is_file()}
    shown = {
        f"{name.rpartition('/')[0]}/examples/v1-{form}.json" for name in MESSAGES for form in FORMS
    }
    expected = {f"{name}.json" for name in SCHEMAS} | shown | {"topology.json"}
    assert {str(path) for path in files} == expected


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_event_holds_nothing_personal(name: str) -> None:
    assert not [pointer for pointer, field in fields(name) if field.get("x-personal")]
    personal = SCHEMAS["types/delivery/v1"]["properties"].keys()
    assert not [pointer for pointer, _ in fields(name) if pointer.split("/")[-1] in personal]


def test_what_is_personal_is_one_object_that_may_be_erased() -> None:
    marked = [
        (name, pointer, field)
        for name in EVENTS
        for pointer, field in fields(name)
        if field.get("x-personal")
    ]
    assert [(name, pointer) for name, pointer, _ in marked] == [
        ("events/internal/order_placed/v1", "/delivery")
    ]
    for name, pointer, field in marked:
        assert TYPES[field["$ref"]].contents["type"] == ["object", "null"]
        erased = example(name, "full") | {pointer[1:]: None}
        assert Schemas.load().check(name, erased) == ()


def test_the_topology_and_the_public_events_are_the_same() -> None:
    assert {f"events/{way['schema']}/v1": title for title, way in TOPOLOGY.items()} == {
        name: SCHEMAS[name]["title"] for name in PUBLIC
    }
    envelope = SCHEMAS["envelope/v1"]["properties"]
    assert set(TOPOLOGY) == set(envelope["type"]["enum"])
    assert {way["source"] for way in TOPOLOGY.values()} == set(envelope["source"]["enum"])


def test_every_public_event_has_a_consumer_and_reaches_the_ledger() -> None:
    for title, way in TOPOLOGY.items():
        others = set(way["consumers"]) - {"ledger"}
        assert "ledger" in way["consumers"], f"{title} is not audited"
        assert others, f"{title} has no consumer"
        assert others <= {"fulfilment", "notification", "order-commands"}
