"""What a customer's orders sum up to, over HTTP."""

import msgspec

from reference_service.order.money import Money
from tests.aws.orders import order_commits
from tests.functions.stage import SUMMARY, Get, Project, body_of, problem
from tests.order.ana import ANA, CANCELLED, CONFIRMED, PLACED

PRICE = Money(500, "USD")
DOLLARS = msgspec.structs.replace(
    PLACED,
    lines=(msgspec.structs.replace(PLACED.lines[0], quantity=1, unit_price=PRICE),),
    total=PRICE,
)


def test_orders_and_money_are_summed_up_per_currency(get: Get, project: Project) -> None:
    theirs = msgspec.structs.replace(PLACED, customer_id="bob")
    project(
        order_commits(1, CONFIRMED[:1], CONFIRMED[1:]),
        order_commits(2, CANCELLED[:1], CANCELLED[1:]),
        order_commits(3, [DOLLARS]),
        order_commits(4, [theirs]),
    )
    answer = get(SUMMARY)
    assert answer["statusCode"] == 200
    assert body_of(answer) == {
        "currencies": [
            {"currency": "EUR", "orders": 2, "cancelled": 1, "total": 4190, "paid": 4190},
            {"currency": "USD", "orders": 1, "cancelled": 0, "total": 500, "paid": 0},
        ]
    }


def test_who_has_ordered_nothing_is_told_so(get: Get, project: Project) -> None:
    project(order_commits(1, [PLACED]))
    answer = get(SUMMARY, subject="bob")
    assert (answer["statusCode"], body_of(answer)) == (200, {"currencies": []})


def test_it_is_only_of_a_customer(get: Get) -> None:
    for nobody in ("", "'; DROP TABLE read_model.pointer; --", "a b", "x" * 65):
        assert problem(get(SUMMARY, subject=nobody)) == (401, "no-customer")


def test_what_comes_again_counts_once(get: Get, project: Project) -> None:
    placed, paid = order_commits(1, CONFIRMED[:1], CONFIRMED[1:])
    for entries in ([placed], [placed], [placed, paid], [placed], [paid]):
        project(entries)
    (euros,) = body_of(get(SUMMARY, subject=ANA))["currencies"]
    assert euros == {"currency": "EUR", "orders": 1, "cancelled": 0, "total": 4190, "paid": 4190}
