"""contracts/openapi.json is an OpenAPI 3.1 document that stands alone and whose examples hold.

That the functions answer as it says is tested where the functions are.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bitacora.contracts.documents import ContractFault
from tests.contracts.generate.documents import OPENAPI, followed, references
from tests.contracts.generate.repository import Repository

REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:openapi", Resource(contents=OPENAPI, specification=DRAFT202012)
)


def media() -> Iterator[tuple[str, Any]]:
    """Every body that the document describes, with a name for it."""
    for path, item in OPENAPI["paths"].items():
        for method, operation in item.items():
            contents = {"request": operation.get("requestBody", {})} | operation["responses"]
            for place, body in contents.items():
                for media_type, described in body.get("content", {}).items():
                    yield f"{method} {path} {place} {media_type}", described


MEDIA = dict(media())


def faults(schema: Any, instance: Any) -> list[str]:
    located = json.loads(json.dumps(schema).replace('"#/', '"urn:openapi#/'))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(located, registry=REGISTRY, format_checker=checker)
    return [error.message for error in validator.iter_errors(instance)]


def test_it_is_an_openapi_document() -> None:
    assert OPENAPI["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(OPENAPI).iter_errors()) == []


def test_it_stands_alone() -> None:
    assert set(references(OPENAPI))
    for reference in references(OPENAPI):
        followed(OPENAPI, reference)


@pytest.mark.parametrize("place", MEDIA)
def test_the_examples_hold(place: str) -> None:
    described = MEDIA[place]
    examples = [
        followed(OPENAPI, example["$ref"])["value"]
        for example in described.get("examples", {}).values()
    ]
    examples += [described["example"]] if "example" in described else []
    assert examples, "a body without an example"
    for example in examples:
        assert faults(described["schema"], example) == []


@pytest.mark.parametrize("name", OPENAPI["components"]["parameters"])
def test_the_examples_of_parameters_hold(name: str) -> None:
    parameter = OPENAPI["components"]["parameters"][name]
    assert faults(parameter["schema"], parameter["example"]) == []


@pytest.mark.parametrize("name", OPENAPI["components"]["headers"])
def test_the_examples_of_headers_hold(name: str) -> None:
    header = OPENAPI["components"]["headers"][name]
    assert faults(header["schema"], header["example"]) == []


def test_a_problem_shows_its_own_members() -> None:
    refused = OPENAPI["paths"]["/orders/{order_id}/payments"]["post"]["responses"]["409"]
    schema = refused["content"]["application/problem+json"]["schema"]
    example = OPENAPI["components"]["examples"]["overpayment"]["value"]
    assert faults(schema, example) == []
    assert faults(schema, {k: v for k, v in example.items() if k != "outstanding"})
    assert faults(schema, example | {"type": "urn:bitacora:problem:mixed-currencies"})


def test_an_answer_that_nothing_changed_has_no_body() -> None:
    answers = OPENAPI["paths"]["/orders/{order_id}"]["get"]["responses"]
    assert "content" not in answers["304"]
    assert {"ETag", "Read-Model-Lag", "Cache-Control"} == set(answers["304"]["headers"])
    assert "304" not in OPENAPI["paths"]["/orders"]["get"]["responses"]


def test_every_operation_has_a_name_of_its_own_and_a_token() -> None:
    operations = [each for item in OPENAPI["paths"].values() for each in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert OPENAPI["security"] == [{"customer": []}]
    scheme = OPENAPI["components"]["securitySchemes"]["customer"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    assert not [operation for operation in operations if "security" in operation]


def test_nothing_of_a_contract_is_left_out() -> None:
    place = OPENAPI["paths"]["/orders"]["post"]
    names = {followed(OPENAPI, each["$ref"])["name"] for each in place["parameters"]}
    assert names == {"Idempotency-Key", "If-Match", "traceparent"}
    assert set(place["responses"]["201"]["headers"]) == {"ETag", "Location", "Cache-Control"}
    assert "Retry-After" in place["responses"]["503"]["headers"]
    schema = OPENAPI["components"]["schemas"]["PlaceOrder.v1"]
    price = schema["properties"]["lines"]["items"]["properties"]["unit_price"]
    assert price["$ref"] == "#/components/schemas/Money.v1"
    assert price["properties"]["amount"]["maximum"] == 999999999


@pytest.mark.parametrize(
    ("key", "name", "what"),
    [
        ("parameters", "If-Range", "holds no If-Range"),
        ("problems", "lost", "holds no problem lost"),
        ("command", "commands/lose_order/v1", "is named, but does not exist"),
    ],
)
def test_a_route_that_names_what_there_is_not_is_refused(
    repository: Repository, key: str, name: str, what: str
) -> None:
    def change(api: dict[str, Any]) -> None:
        route = api["routes"][0]
        route[key] = name if isinstance(route[key], str) else [*route[key], name]

    repository.change("http_api.json", change)
    with pytest.raises(ContractFault, match=what):
        repository.generated()
