"""Support staff read every customer's orders by the scope of their token, and are seen doing it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from tests.aws.orders import order_commits, order_id
from tests.functions.stage import (
    HISTORY,
    LIST,
    ORDER,
    Get,
    Keep,
    Project,
    Stage,
    body_of,
    http,
    problem,
)
from tests.functions.test_command import CANCEL, CANCELLATION, PAY, payment
from tests.order.ana import ANA, CONFIRMED

SUMMARY = "GET /customer-summary"
EVA = "eva-of-support"
STAFF = {"scope": "openid orders:read-all"}
BY_ID: list[tuple[str, dict[str, str]]] = [
    (ORDER, {}),
    (ORDER, {"min_version": "3"}),
    (ORDER, {"consistency": "strong"}),
    (ORDER, {"version": "2"}),
    (ORDER, {"as_of": "2026-11-01T00:00:00Z"}),
    (HISTORY, {}),
]
OF_ANA: list[tuple[str, dict[str, str]]] = [
    (LIST, {"customer": ANA}),
    (LIST, {"customer": ANA, "status": "confirmed", "limit": "1"}),
    (LIST, {"customer": ANA, "after": f"{order_id(1)}:3"}),
    (SUMMARY, {"customer": ANA}),
]


@pytest.fixture
def anas_orders(keep: Keep, project: Project) -> None:
    """Two of Ana's, of which the second is not projected."""
    first, second = (order_commits(number, CONFIRMED[:1], CONFIRMED[1:]) for number in (1, 2))
    keep(first + second)
    project(first)


def seen(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "support" in record.getMessage()]


@pytest.mark.usefixtures("anas_orders")
@pytest.mark.parametrize(("route", "query"), BY_ID)
def test_any_order_is_read_in_every_way_and_it_is_told_who_read_it(
    get: Get, caplog: pytest.LogCaptureFixture, route: str, query: dict[str, str]
) -> None:
    answer = get(route, 1, query=query, subject=EVA, claims=STAFF)
    assert answer == get(route, 1, query=query)  # as Ana sees it herself
    assert answer["statusCode"] == 200
    told = f"{EVA} of support reads {order_id(1)} of customer {ANA}: {route} (request request-"
    [line] = seen(caplog)  # and not a line for Ana
    assert line.startswith(told)


@pytest.mark.usefixtures("anas_orders")
def test_an_order_that_is_not_projected_is_not_unknown_to_staff(get: Get) -> None:
    answer = get(ORDER, 2, subject=EVA, claims=STAFF)
    assert problem(answer) == (503, "not-yet-visible")
    assert problem(get(ORDER, 2, subject=EVA)) == (404, "unknown-order")
    assert problem(get(ORDER, 7, subject=EVA, claims=STAFF)) == (404, "unknown-order")


@pytest.mark.usefixtures("anas_orders")
@pytest.mark.parametrize(("route", "query"), OF_ANA)
def test_the_orders_of_any_customer_are_listed_and_summed_up(
    get: Get, caplog: pytest.LogCaptureFixture, route: str, query: dict[str, str]
) -> None:
    answer = get(route, query=query, subject=EVA, claims=STAFF)
    own = get(route, query=query)
    assert answer["statusCode"] == own["statusCode"] == 200
    assert body_of(answer) == body_of(own)
    assert order_id(1) in answer["body"] or route == SUMMARY
    assert f"{EVA} of support reads orders of customer {ANA}: {route}" in "".join(seen(caplog))


@pytest.mark.usefixtures("anas_orders")
@pytest.mark.parametrize(("route", "query"), OF_ANA)
def test_without_the_scope_another_customers_orders_are_refused(
    get: Get, caplog: pytest.LogCaptureFixture, route: str, query: dict[str, str]
) -> None:
    assert problem(get(route, query=query, subject=EVA)) == (403, "another-customer")
    assert seen(caplog) == []


@pytest.mark.parametrize("customer", ["", "auth0|7", "../x", "x" * 65, "'; --"])
def test_what_is_no_customer_is_refused(get: Get, customer: str) -> None:
    answer = get(LIST, query={"customer": customer}, subject=EVA, claims=STAFF)
    assert problem(answer) == (400, "bad-parameter")
    assert body_of(answer)["parameter"] == "customer"


@pytest.mark.usefixtures("anas_orders")
def test_a_cursor_stays_with_its_customer(get: Get, project: Project) -> None:
    project(order_commits(3, CONFIRMED))
    first = get(LIST, query={"customer": ANA, "limit": "1"}, subject=EVA, claims=STAFF)
    cursor = body_of(first)["cursor"]
    asked = {"limit": "1", "cursor": cursor}
    second = get(LIST, query=asked | {"customer": ANA}, subject=EVA, claims=STAFF)
    assert second["statusCode"] == 200
    assert problem(get(LIST, query=asked, subject=EVA, claims=STAFF)) == (400, "bad-parameter")


@pytest.mark.usefixtures("anas_orders")
@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "orders:read-all"},
        {"scope": "openid  orders:read-all profile"},
        {"scp": "orders:read-all"},
        {"scp": "[orders:read-all]"},  # a list, as an HTTP API hands it over
        {"scp": "[openid orders:read-all]", "scope": "openid"},
    ],
)
def test_the_scope_is_found_as_issuers_write_it(get: Get, claims: Mapping[str, Any]) -> None:
    assert get(ORDER, 1, subject=EVA, claims=claims)["statusCode"] == 200


@pytest.mark.usefixtures("anas_orders")
@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"scope": ""},
        {"scope": None},
        {"scope": "[]"},
        {"scope": "orders:read-all-but"},
        {"scope": "orders:read"},
        {"scope": "ORDERS:READ-ALL"},
        {"scope": "openid,orders:read-all"},
        {"scope": "[[orders:read-all]]"},
        {"scope": ["orders:read-all"]},  # no HTTP API hands a list over
        {"roles": "orders:read-all", "sub2": "orders:read-all"},
    ],
)
def test_what_only_looks_like_the_scope_opens_nothing(get: Get, claims: Mapping[str, Any]) -> None:
    assert problem(get(ORDER, 1, subject=EVA, claims=claims)) == (404, "unknown-order")
    assert problem(get(HISTORY, 1, subject=EVA, claims=claims)) == (404, "unknown-order")
    asked = get(LIST, query={"customer": ANA}, subject=EVA, claims=claims)
    assert problem(asked) == (403, "another-customer")


@pytest.mark.usefixtures("anas_orders")
def test_staff_command_nothing(stage: Stage) -> None:
    command = stage.function("command")
    for route, body in ((PAY, payment(1)), (CANCEL, CANCELLATION)):
        event = http(
            route,
            body=body,
            order_id=order_id(1),
            subject=EVA,
            claims=STAFF,
            idempotency_key=str(uuid4()),
        )
        assert problem(command.handler(event, None)) == (404, "unknown-order")
