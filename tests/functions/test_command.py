"""HTTP commands, as a client meets them."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from bitacora.faults import FaultProxy, LoseAnswer, Refuse, Rule
from tests.functions.stage import Stage, body_of, http

PLACE = "POST /orders"
PAY = "POST /orders/{order_id}/payments"
CANCEL = "POST /orders/{order_id}/cancellation"
DELIVERY = {
    "recipient": "Ana",
    "street": "Calle 1",
    "city": "Madrid",
    "postal_code": "28001",
    "country": "ES",
}
ORDER = {
    "lines": [{"sku": "pen", "quantity": 2, "unit_price": {"amount": 150, "currency": "EUR"}}],
    "delivery": DELIVERY,
}
CANCELLATION = {"reason": "changed_mind"}
Send = Callable[..., dict[str, Any]]


@pytest.fixture
def command(stage: Stage) -> Any:
    return stage.function("command")


@pytest.fixture
def send(command: Any) -> Send:
    def post(route: str, body: Any, **options: Any) -> dict[str, Any]:
        options.setdefault("idempotency_key", str(uuid4()))
        answer: dict[str, Any] = command.handler(http(route, body=body, **options), None)
        return answer

    return post


def payment(amount: int, currency: str = "EUR") -> dict[str, Any]:
    money = {"amount": amount, "currency": currency}
    return {"payment_id": f"payment-{uuid4().hex[:8]}", "amount": money}


@pytest.fixture
def order_id(send: Send) -> str:
    placed: str = body_of(send(PLACE, ORDER))["order_id"]
    return placed


def assert_problem(answer: dict[str, Any], status: int, kind: str) -> dict[str, Any]:
    assert answer["statusCode"] == status, answer
    assert answer["headers"]["content-type"] == "application/problem+json"
    problem: dict[str, Any] = body_of(answer)
    assert problem["type"] == f"urn:bitacora:problem:{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


def test_a_placed_order_is_created_with_its_address_and_version(send: Send) -> None:
    answer = send(PLACE, ORDER)
    assert answer["statusCode"] == 201
    body = body_of(answer)
    assert UUID(body["order_id"]).version == 8
    assert answer["headers"]["location"] == f"/orders/{body['order_id']}"
    assert answer["headers"]["etag"] == '"1"'
    assert (body["status"], body["version"], body["commit"]) == ("placed", 1, 1)
    assert body["total"] == {"amount": 300, "currency": "EUR"}


def test_the_payment_that_covers_the_total_confirms_in_one_commit(
    send: Send, order_id: str
) -> None:
    answer = send(PAY, payment(300), order_id=order_id)
    assert answer["statusCode"] == 200
    assert answer["headers"]["etag"] == '"3"'
    body = body_of(answer)
    assert (body["status"], body["version"], body["commit"]) == ("confirmed", 3, 2)


def test_a_repeat_gets_the_first_answer_and_has_no_effect(send: Send, order_id: str) -> None:
    paid = payment(100)
    first = send(PAY, paid, order_id=order_id, idempotency_key="once", if_match='"1"')
    send(PAY, payment(50), order_id=order_id)
    again = send(PAY, paid, order_id=order_id, idempotency_key="once", if_match='"1"')
    assert again == first
    assert body_of(send(PAY, payment(10), order_id=order_id))["paid"]["amount"] == 160


def test_a_repeated_placement_meets_the_same_order(send: Send) -> None:
    first = send(PLACE, ORDER, idempotency_key="placing-1")
    assert send(PLACE, ORDER, idempotency_key="placing-1") == first
    other = send(PLACE, ORDER, idempotency_key="placing-1", subject="bob")
    assert body_of(other)["order_id"] != body_of(first)["order_id"]


def test_member_order_and_spaces_make_no_other_command(send: Send) -> None:
    first = send(PLACE, ORDER, idempotency_key="spaces-1")
    reordered = json.dumps(dict(reversed(ORDER.items())), indent=3)
    assert send(PLACE, reordered, idempotency_key="spaces-1") == first


def test_the_same_key_with_another_body_is_told(send: Send, order_id: str) -> None:
    send(PAY, payment(100), order_id=order_id, idempotency_key="reused")
    answer = send(PAY, payment(200), order_id=order_id, idempotency_key="reused")
    assert_problem(answer, 422, "idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "has space", "ñ", "x" * 256])
def test_a_command_needs_a_usable_idempotency_key(send: Send, key: str) -> None:
    assert_problem(send(PLACE, ORDER, idempotency_key=key), 400, "idempotency-key-required")


@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', "nul", '{"a": "\ud800"}'])
def test_a_body_that_is_no_json_object_is_refused(send: Send, body: str) -> None:
    if body == '{"a": "\ud800"}':
        body = '{"a": "\\ud800"}'
    assert_problem(send(PLACE, body), 400, "malformed-json")


def test_each_fault_of_a_body_is_pointed_at(send: Send) -> None:
    line = {"sku": "pen", "quantity": 0, "unit_price": {"amount": 1.5, "currency": "EUR"}}
    answer = send(PLACE, {"lines": [line], "gift": True})
    problem = assert_problem(answer, 422, "invalid-body")
    pointers = {error["pointer"] for error in problem["errors"]}
    assert {
        "/lines/0/quantity",
        "/lines/0/unit_price/amount",
        "/delivery",
        "/gift",
    } <= pointers
    assert all(error["detail"] for error in problem["errors"])


def test_a_body_over_256_kb_is_refused_before_it_is_read(send: Send) -> None:
    assert_problem(send(PLACE, "x" * (256 * 1024 + 1)), 413, "body-too-large")


def test_a_body_may_come_as_base64(command: Any) -> None:
    event = http(PLACE, idempotency_key=str(uuid4()))
    event["body"] = base64.b64encode(json.dumps(ORDER).encode()).decode()
    event["isBase64Encoded"] = True
    assert command.handler(event, None)["statusCode"] == 201


def test_a_stale_version_is_told_with_the_current_one(send: Send, order_id: str) -> None:
    send(PAY, payment(100), order_id=order_id, if_match='"1"')
    answer = send(PAY, payment(100), order_id=order_id, if_match='"1"')
    assert assert_problem(answer, 412, "stale")["version"] == 2
    assert answer["headers"]["etag"] == '"2"'


@pytest.mark.parametrize("etag", ["1", 'W/"1"', '"01"', '"1", "2"', "*", '"x"'])
def test_a_malformed_if_match_is_refused(send: Send, order_id: str, etag: str) -> None:
    answer = send(PAY, payment(100), order_id=order_id, if_match=etag)
    assert_problem(answer, 400, "malformed-if-match")


@pytest.mark.parametrize("name", ["no-uuid", "../x", "x" * 5000])
def test_what_is_no_id_is_no_order(send: Send, name: str) -> None:
    for route, body in ((PAY, payment(100)), (CANCEL, CANCELLATION)):
        assert_problem(send(route, body, order_id=name), 404, "unknown-order")


def test_anothers_order_and_no_order_look_the_same(send: Send, order_id: str) -> None:
    for etag in ({}, {"if_match": '"1"'}, {"if_match": '"7"'}):
        theirs = send(CANCEL, CANCELLATION, order_id=order_id, subject="bob", **etag)
        nobodys = send(CANCEL, CANCELLATION, order_id=str(uuid4()), subject="bob", **etag)
        assert_problem(theirs, 404, "unknown-order")
        assert theirs["body"] == nobodys["body"]


def test_a_business_refusal_says_why(send: Send, order_id: str) -> None:
    wrong = assert_problem(send(PAY, payment(100, "USD"), order_id=order_id), 409, "wrong-currency")
    assert (wrong["expected_currency"], wrong["received_currency"]) == ("EUR", "USD")
    over = assert_problem(send(PAY, payment(301), order_id=order_id), 409, "overpayment")
    assert over["outstanding"] == {"amount": 300, "currency": "EUR"}
    assert send(CANCEL, CANCELLATION, order_id=order_id)["statusCode"] == 200
    closed = assert_problem(send(PAY, payment(300), order_id=order_id), 409, "order-closed")
    assert closed["order_status"] == "cancelled"


@pytest.mark.parametrize("subject", ["", "auth0|7", "../x", "x" * 65])
def test_a_token_whose_subject_is_no_customer_is_refused(send: Send, subject: str) -> None:
    assert_problem(send(PLACE, ORDER, subject=subject), 401, "no-customer")


def test_a_lost_answer_is_no_failure(stage: Stage) -> None:
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        command = stage.function("command", endpoint=proxy.url)
        lost = proxy.inject(Rule(fault=LoseAnswer(), service="dynamodb", operation="PutItem"))
        answer = command.handler(http(PLACE, body=ORDER, idempotency_key=str(uuid4())), None)
        assert answer["statusCode"] == 201
        assert lost.applied == 1


def test_an_unknown_outcome_is_found_out_by_a_repeat(stage: Stage) -> None:
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        command = stage.function("command", endpoint=proxy.url)
        event = http(PLACE, body=ORDER, idempotency_key=str(uuid4()))
        proxy.inject(Rule(fault=LoseAnswer(), service="dynamodb", operation="PutItem", times=None))
        unknown = command.handler(event, None)
        assert_problem(unknown, 503, "outcome-unknown")
        assert unknown["headers"]["retry-after"]
        proxy.clear()
        answer = command.handler(event, None)
        assert answer["statusCode"] == 201
        assert body_of(answer)["commit"] == 1


def test_a_store_that_does_not_answer_a_load_did_nothing(stage: Stage) -> None:
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        command = stage.function("command", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="dynamodb", operation="Query", times=None))
        answer = command.handler(http(PLACE, body=ORDER, idempotency_key=str(uuid4())), None)
        assert_problem(answer, 503, "unavailable")
        assert proxy.seen("dynamodb", "PutItem") == 0
