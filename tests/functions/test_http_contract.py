"""The functions answer what contracts/openapi.json describes, and nothing of it is invented.

That every answer in this folder's tests keeps the document is checked by the stage itself.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from reference_service.aws.http_api import TITLES
from reference_service.order.commands import SCHEMAS
from reference_service.order.rejections import Rejection, UnknownOrder
from tests.functions.http_contract import DOCUMENT, SOURCE, check
from tests.functions.stage import Stage

SERVICE = Path(__file__).resolve().parents[2] / "reference_service"
ACCEPTED = {
    "order_id": "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f",
    "version": 2,
    "commit": 2,
    "status": "placed",
    "total": {"amount": 300, "currency": "EUR"},
    "paid": {"amount": 100, "currency": "EUR"},
}
PAYMENT = "POST /orders/{order_id}/payments"


def answer(body: Any, status: int = 200, **headers: str) -> dict[str, Any]:
    sent = {"content-type": "application/json", "cache-control": "no-store", "etag": '"2"'}
    return {"statusCode": status, "headers": sent | headers, "body": json.dumps(body)}


def problem(**members: Any) -> dict[str, Any]:
    body = {"type": "urn:bitacora:problem:stale", "title": "Precondition failed", "status": 412}
    body |= {"detail": "The order has moved on to version 2."} | members
    return answer(body, 412, **{"content-type": "application/problem+json"})


def test_every_route_of_the_functions_is_described_and_no_other(stage_with_database: Stage) -> None:
    commands = stage_with_database.function("command").COMMANDS
    queries = stage_with_database.function("query").ROUTES
    answered = dict.fromkeys(commands, "command") | dict.fromkeys(queries, "query")
    answered["DELETE /personal-data"] = "erasure"
    answered |= dict.fromkeys(stage_with_database.function("status").ROUTES, "status")
    assert {route["route"]: route["function"] for route in SOURCE["routes"]} == answered
    described = {
        f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert described == answered.keys()
    asked = {route["route"]: route["command"] for route in SOURCE["routes"] if "command" in route}
    assert asked == {route: SCHEMAS[kind] for route, kind in commands.items()}


def raised() -> Iterator[tuple[str, int]]:
    """Every kind and status that is written into a Problem, rejections apart."""
    files = [*(SERVICE / "functions").glob("*.py"), SERVICE / "aws" / "http_api.py"]
    for tree in (ast.parse(file.read_text("utf-8")) for file in files):
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    ast.Name("Problem"), [ast.Constant(int(status)), ast.Constant(str(kind)), *_]
                ):
                    yield kind, status


def test_every_problem_of_the_code_is_described_and_no_other() -> None:
    refusals = {
        re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): 409
        for kind in set(get_args(Rejection)) - {UnknownOrder}
    }
    described = {kind: problem["status"] for kind, problem in SOURCE["problems"].items()}
    assert described == dict(raised()) | refusals
    named = {kind for route in SOURCE["routes"] for kind in route["problems"]}
    assert named == described.keys(), "each problem belongs to a route"
    assert SOURCE["titles"] == {str(status): title for status, title in TITLES.items()}


def test_an_answer_that_the_document_describes_passes() -> None:
    check(PAYMENT, answer(ACCEPTED))
    check(PAYMENT, problem(version=2))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(answer(ACCEPTED, 202), id="another status"),
        pytest.param(answer(ACCEPTED | {"vat": 21}), id="a member more"),
        pytest.param(answer({**ACCEPTED, "status": "draft"}), id="a wrong value"),
        pytest.param(answer(ACCEPTED, etag="2"), id="a header in another form"),
        pytest.param(answer(ACCEPTED, location="/orders/1"), id="a header more"),
        pytest.param(answer(ACCEPTED, **{"content-type": "text/plain"}), id="another media type"),
        pytest.param(problem(), id="a problem without its member"),
        pytest.param(problem(version=2, parameter="limit"), id="with another's member"),
        pytest.param(problem(version=2, type="urn:bitacora:problem:lost"), id="of another kind"),
    ],
)
def test_an_answer_that_the_document_does_not_describe_is_found(wrong: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, jsonschema.ValidationError)):
        check(PAYMENT, wrong)
