"""The HTTP API as contracts/ describes it, held against what the functions really answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from reference_service.order.events import VERSIONS
from reference_service.schemas import CONTRACTS, Schemas, event_schema

SOURCE: dict[str, Any] = json.loads((CONTRACTS / "http_api.json").read_text("utf-8"))
DOCUMENT: dict[str, Any] = json.loads((CONTRACTS / "openapi.json").read_text("utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:openapi", Resource(contents=DOCUMENT, specification=DRAFT202012)
)
PROBLEM = "application/problem+json"
Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]


def operation(route: str) -> dict[str, Any]:
    """What the document says of a route: "POST /orders"."""
    method, path = route.split(" ")
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def held(handler: Handler) -> Handler:
    """The handler of an HTTP function, whose every answer the document must describe."""

    def checked(event: Mapping[str, Any], context: object) -> dict[str, Any]:
        answer = handler(event, context)
        if "routeKey" in event:  # not by whom else the function is invoked
            check(event["routeKey"], answer)
        return answer

    return checked


def check(route: str, answer: Mapping[str, Any]) -> None:
    """Raises AssertionError or jsonschema.ValidationError."""
    status, headers = answer["statusCode"], dict(answer["headers"])
    responses = operation(route)["responses"]
    assert str(status) in responses, f"{route} is not said to answer {status}: {answer}"
    response, media_type = responses[str(status)], headers.pop("content-type", None)
    described = set(response["headers"])
    asked = described - _optional(route, status)
    if "content" in response:
        assert media_type in response["content"], f"{route} {status} is not said to be {media_type}"
        body = json.loads(answer["body"])
        _validate(body, response["content"][media_type]["schema"])
        if "events" in body:
            _check_history(body["events"])
        if media_type == PROBLEM:
            asked = described = _check_problem(body)
    else:
        assert (media_type, answer.get("body")) == (None, None), f"{route} {status} has a body"
    names = {name.lower(): name for name in described}
    assert {name.lower() for name in asked} <= headers.keys(), f"{route} {status}: {headers}"
    assert headers.keys() <= names.keys(), f"{route} {status}: {headers}"
    for header, text in headers.items():
        _validate(text, DOCUMENT["components"]["headers"][names[header]]["schema"])


def _optional(route: str, status: int) -> set[str]:
    """Headers that only some answers of that status have."""
    (said,) = (each for each in SOURCE["routes"] if each["route"] == route)
    told = said.get("unchanged", {}) if status == 304 else said["answer"]
    return set(told.get("optional_headers", ()))


def _check_history(events: list[dict[str, Any]]) -> None:
    """Whatever version is stored, the newest one is shown."""
    for event in events:
        name = event_schema("internal", event["type"], VERSIONS[event["type"]])
        assert Schemas.load().check(name, event["data"]) == (), event


def _check_problem(body: Mapping[str, Any]) -> set[str]:
    """The headers of a problem, which has all of its members and no other."""
    kind = body["type"].rpartition(":")[2]
    problem = SOURCE["problems"][kind]
    assert body.keys() - {"type", "title", "status", "detail"} == set(problem["members"]), kind
    assert body["status"] == problem["status"], kind
    return {*problem["headers"], *SOURCE["always"]}


def _validate(instance: Any, schema: Any) -> None:
    # Its references lead into the document.
    located = json.loads(json.dumps(schema).replace('"#/', '"urn:openapi#/'))
    jsonschema.Draft202012Validator(
        located,
        registry=REGISTRY,
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    ).validate(instance)
