"""Bad input gets a clear answer, and nothing happens."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journey.api import Answer, Customer, line, order, payment


@pytest.fixture(scope="module")
def placed(environment: Any) -> tuple[Customer, str]:
    customer = Customer(environment.outputs["api_url"], environment.token("customer-of-one-order"))
    return customer, customer.post("/orders", order()).headers["location"]


def is_problem(answer: Answer) -> bool:
    members = {"type", "title", "status", "detail"} <= answer.body.keys()
    return members and answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    ("body", "key", "status", "problem"),
    [
        pytest.param(order(), "", 400, "idempotency-key-required", id="no key"),
        pytest.param(b"{not json", None, 400, "malformed-json", id="no JSON"),
        pytest.param(b"[" * 100_000, None, 400, "malformed-json", id="nested without end"),
        pytest.param(b'"' + b"x" * 262_145 + b'"', None, 413, "body-too-large", id="over 256 KB"),
        pytest.param({}, None, 422, "invalid-body", id="empty object"),
        pytest.param(
            order(line(), line(currency="USD")), None, 409, "mixed-currencies", id="two currencies"
        ),
    ],
)
def test_a_bad_order_is_refused(
    customer: Customer, body: Any, key: str | None, status: int, problem: str
) -> None:
    answer = customer.post("/orders", body, key)
    assert is_problem(answer)
    assert (answer.status, answer.problem) == (status, problem)
    assert customer.get("/orders").body["orders"] == []


def test_every_fault_of_a_body_is_pointed_at(customer: Customer) -> None:
    wrong = order(line(quantity=0), line(sku="no spaces"))
    del wrong["delivery"]["city"]
    answer = customer.post("/orders", wrong)
    assert answer.status == 422
    assert {fault["pointer"] for fault in answer.body["errors"]} == {
        "/lines/0/quantity",
        "/lines/1/sku",
        "/delivery/city",
    }


@pytest.mark.parametrize(
    ("paid", "problem"),
    [
        pytest.param(payment(2501), "overpayment", id="too much"),
        pytest.param(payment(100, "USD"), "wrong-currency", id="wrong currency"),
    ],
)
def test_a_wrong_payment_is_refused_with_its_reason(
    placed: tuple[Customer, str], paid: Any, problem: str
) -> None:
    customer, path = placed
    answer = customer.post(f"{path}/payments", paid)
    assert is_problem(answer)
    assert (answer.status, answer.problem) == (409, problem)
    assert len(customer.get(f"{path}/history").body["events"]) == 1


@pytest.mark.parametrize("match", ['"7"', '"0"'])
def test_a_stale_precondition_tells_the_version(placed: tuple[Customer, str], match: str) -> None:
    customer, path = placed
    answer = customer.post(f"{path}/payments", payment(100), If_Match=match)
    assert (answer.status, answer.body["version"]) == (412, 1)


def test_a_malformed_precondition_is_no_stale_one(placed: tuple[Customer, str]) -> None:
    customer, path = placed
    assert customer.post(f"{path}/payments", payment(100), If_Match="seven").status == 400


def test_the_same_key_with_another_body_is_refused(customer: Customer) -> None:
    first = customer.post("/orders", order(), "one-key")
    again = customer.post("/orders", order(), "one-key")
    other = customer.post("/orders", order(line(quantity=9)), "one-key")
    assert (again.status, again.body) == (first.status, first.body)
    assert (other.status, other.problem) == (422, "idempotency-key-reused")


def test_an_order_of_another_customer_is_unknown(
    a_customer: Callable[[], Customer], placed: tuple[Customer, str]
) -> None:
    _, path = placed
    stranger = a_customer()
    answers = [
        stranger.get(path),
        stranger.get(f"{path}/history"),
        stranger.post(f"{path}/payments", payment(100)),
        stranger.post(f"{path}/payments", payment(100), If_Match='"9"'),
        stranger.post(f"{path}/cancellation", {"reason": "other"}),
        stranger.get("/orders/00000000-0000-8000-8000-000000000000"),
        stranger.get("/orders/no-order-id"),
    ]
    assert [answer.status for answer in answers] == [404] * 7
    assert all(is_problem(answer) for answer in answers)


@pytest.mark.parametrize(
    "query",
    [
        "{order}?min_version=x",
        "{order}?min_version=-1",
        "{order}?version=1&version=1",
        "{order}?as_of=2026-01-01T00:00:00+01:00",  # a + is a space
        "/orders?limit=0",
        "/orders?cursor=%27;--",
        "/orders?cursor=",
        "/orders?status=%27%3B%20DROP%20TABLE%20read_model.order_summary",
    ],
)
def test_a_malformed_query_is_refused(placed: tuple[Customer, str], query: str) -> None:
    customer, path = placed
    answer = customer.get(query.format(order=path))
    assert is_problem(answer)
    assert answer.status == 400


def test_nobody_comes_in_without_a_token(environment: Any) -> None:
    url = environment.outputs["api_url"]
    assert Customer(url, "").get("/orders").status == 401
    assert Customer(url, "no.real.token").post("/orders", order()).status == 401
