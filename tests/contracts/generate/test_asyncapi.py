"""contracts/asyncapi.json stands alone, tells the ways of topology.json, and its examples hold."""

import copy
import json
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from bitacora.contracts.documents import ContractFault
from reference_service.schemas import Schemas
from tests.contracts.generate.documents import ASYNCAPI, followed, references
from tests.contracts.generate.repository import PROJECT, Repository

WAYS: dict[str, Any] = json.loads((PROJECT / "contracts" / "topology.json").read_text("utf-8"))
MESSAGES: dict[str, Any] = ASYNCAPI["components"]["messages"]
EXAMPLES = [
    pytest.param(name, example["payload"], id=f"{name}-{example['name']}")
    for name, message in MESSAGES.items()
    for example in message["examples"]
]
REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:asyncapi", Resource(contents=ASYNCAPI, specification=DRAFT7)
)


def accepts(message: str, payload: Any) -> bool:
    """Whether the payload's schema takes it, read as AsyncAPI reads it: by draft-07."""
    located = {"$ref": f"urn:asyncapi#/components/messages/{message}/payload"}
    checker = jsonschema.Draft7Validator.FORMAT_CHECKER
    valid: bool = jsonschema.Draft7Validator(
        located, registry=REGISTRY, format_checker=checker
    ).is_valid(payload)
    return valid


def messages_of(operation: dict[str, Any]) -> set[str]:
    return {
        followed(ASYNCAPI, followed(ASYNCAPI, each["$ref"])["$ref"])["name"]
        for each in operation["messages"]
    }


def test_it_stands_alone() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert set(references(ASYNCAPI))
    for reference in references(ASYNCAPI):
        followed(ASYNCAPI, reference)


def test_no_schema_says_anything_beside_a_reference() -> None:
    """In draft-07 it would be ignored."""
    schemas = json.dumps(ASYNCAPI["components"]["schemas"])

    def beside(node: dict[str, Any]) -> dict[str, Any]:
        assert "$ref" not in node or len(node) == 1, node
        return node

    json.loads(schemas, object_hook=beside)


def test_every_operation_is_on_a_channel_and_of_messages_that_the_channel_carries() -> None:
    for operation in ASYNCAPI["operations"].values():
        channel = operation["channel"]["$ref"]
        carried = followed(ASYNCAPI, channel)["messages"]
        for message in operation["messages"]:
            place, _, name = message["$ref"].rpartition("/")
            assert place == f"{channel}/messages"
            assert carried[name] == {"$ref": f"#/components/messages/{name}"}


def test_every_service_sends_and_every_consumer_receives_what_the_topology_says() -> None:
    operations = ASYNCAPI["operations"]
    sources = {way["source"] for way in WAYS.values()}
    consumers = {consumer for way in WAYS.values() for consumer in way["consumers"]}
    sent = {f"{source.rpartition('.')[2]}-send" for source in sources}
    assert operations.keys() == sent | {f"{consumer}-receive" for consumer in consumers}
    for source in sources:
        operation = operations[f"{source.rpartition('.')[2]}-send"]
        assert operation["action"] == "send"
        assert operation["channel"] == {"$ref": "#/channels/bus"}
        assert messages_of(operation) == {n for n, way in WAYS.items() if way["source"] == source}
    for consumer in consumers:
        operation = operations[f"{consumer}-receive"]
        assert operation["action"] == "receive"
        assert operation["channel"] == {"$ref": f"#/channels/{consumer}"}
        taken = {name for name, way in WAYS.items() if consumer in way["consumers"]}
        assert messages_of(operation) == taken


@pytest.mark.parametrize(("message", "payload"), EXAMPLES)
def test_a_message_takes_its_examples_and_no_other_message_does(
    message: str, payload: dict[str, Any]
) -> None:
    assert {name for name in MESSAGES if accepts(name, payload)} == {message}


@pytest.mark.parametrize(("message", "payload"), EXAMPLES)
def test_an_example_is_a_public_event_for_the_service_too(
    message: str, payload: dict[str, Any]
) -> None:
    assert Schemas.load().check_public(payload) == ()


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        (("source",), "bitacora.nobody"),
        (("dataschema",), "urn:bitacora:event:public:order_lost:v1"),
        (("correlationid",), ""),
        (("data",), {}),
        (("data", "order_id"), "1"),
        (("data", "vat"), 21),
    ],
)
def test_a_message_refuses_what_the_contract_refuses(
    message: str, pointer: tuple[str, ...], value: Any
) -> None:
    payload = copy.deepcopy(MESSAGES[message]["examples"][-1]["payload"])
    *path, last = pointer
    place = payload
    for step in path:
        place = place[step]
    place[last] = value
    assert not accepts(message, payload)


def test_every_version_that_is_met_is_described() -> None:
    for name, message in MESSAGES.items():
        folder = PROJECT / "contracts" / "events" / WAYS[name]["schema"]
        files = {path.stem for path in folder.glob("v*.json")}
        assert {example["name"].partition("-")[0] for example in message["examples"]} == files
        met = json.dumps(message["payload"])
        assert all(f":{version}" in met for version in files)


def test_what_asyncapi_can_not_say_is_refused(repository: Repository) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["dependentRequired"] = {"reason": ["version"]}

    repository.change("events/public/order_cancelled/v1.json", change)
    with pytest.raises(ContractFault, match="AsyncAPI does not know the keyword dependentRequired"):
        repository.generated()
