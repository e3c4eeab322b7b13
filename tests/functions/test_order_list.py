"""The list of a customer's orders: filtered, newest first, and every order on one page."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from reference_service.cqrs.commit import Commit
from tests.aws.orders import order_commits, order_id
from tests.functions.stage import LIST, Get, Project, Stage, body_of, problem
from tests.order.ana import CANCELLED, CONFIRMED, PLACED, SHIPPED

NUMBERS = range(1, 6)


def pages(get: Get, limit: int, **query: str) -> Iterator[list[str]]:
    """The ids of each page, which is asked for only when it is needed."""
    asked = {"limit": str(limit)} | query
    for _ in range(20):
        answer = get(LIST, query=asked)
        assert answer["statusCode"] == 200, answer["body"]
        body = body_of(answer)
        yield [order["order_id"] for order in body["orders"]]
        if body["cursor"] is None:
            return
        asked["cursor"] = body["cursor"]
    raise AssertionError("the list has no end")


def listed(get: Get, limit: int = 100, **query: str) -> list[str]:
    return [order for page in pages(get, limit, **query) for order in page]


def ids(*numbers: int) -> list[str]:
    return [order_id(number) for number in numbers]


def placed(*numbers: int) -> list[list[Commit]]:
    """Orders, each placed a second after the one of the number before."""
    return [order_commits(number, [PLACED]) for number in numbers]


def one_of_each() -> list[list[Commit]]:
    """Placed 1, confirmed 2, shipped 3, cancelled 4, and again from 5 to 8."""
    lives: Sequence[Any] = ([PLACED], CONFIRMED, SHIPPED, CANCELLED)
    return [order_commits(number, lives[(number - 1) % 4]) for number in range(1, 9)]


def test_own_orders_are_listed_newest_first_page_by_page(get: Get, project: Project) -> None:
    project(*placed(*NUMBERS))
    assert list(pages(get, 2)) == [ids(5, 4), ids(3, 2), ids(1)]
    assert body_of(get(LIST, subject="bob"))["orders"] == []


def test_a_page_that_ends_with_the_list_has_no_cursor(get: Get, project: Project) -> None:
    project(*placed(1, 2))
    assert list(pages(get, 2)) == [ids(2, 1)]


def test_orders_placed_in_the_same_moment_are_all_listed(get: Get, project: Project) -> None:
    moment = "2026-01-01T12:00:00.000Z"
    project(*(order_commits(number, [PLACED], at=moment) for number in NUMBERS))
    assert list(pages(get, 1)) == [ids(number) for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("status", "numbers"),
    [("placed", (5, 1)), ("confirmed", (6, 2)), ("shipped", (7, 3)), ("cancelled", (8, 4))],
)
def test_only_orders_of_one_status(
    get: Get, project: Project, status: str, numbers: tuple[int, ...]
) -> None:
    project(*one_of_each())
    assert listed(get, 1, status=status) == ids(*numbers)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"from": "2026-01-01T12:00:03.001Z"}, ()),  # a millisecond after the last
        ({"from": "2026-01-01T12:00:03.000Z"}, (3,)),
        ({"from": "2026-01-01T14:00:02+02:00"}, (3, 2)),
        ({"to": "2026-01-01T12:00:01Z"}, ()),
        ({"to": "2026-01-01T12:00:01.001Z"}, (1,)),
        ({"from": "2026-01-01T12:00:01Z", "to": "2026-01-01T12:00:03Z"}, (2, 1)),
        ({"from": "2026-01-01T12:00:01.0001Z", "to": "9999-12-31T23:59:59Z"}, (3, 2)),
        ({"from": "0001-01-01T00:00:00Z"}, (3, 2, 1)),
    ],
    ids=str,
)
def test_only_orders_placed_between_two_moments(
    get: Get, project: Project, query: dict[str, str], numbers: tuple[int, ...]
) -> None:
    project(*placed(1, 2, 3))
    assert listed(get, 1, **query) == ids(*numbers)


def test_filters_go_together(get: Get, project: Project) -> None:
    project(*one_of_each())
    window = {"from": "2026-01-01T12:00:02Z", "to": "2026-01-01T12:00:06Z"}
    assert listed(get, 1, status="confirmed", **window) == ids(2)
    assert listed(get, 1, **window) == ids(5, 4, 3, 2)


def test_writes_between_two_pages_move_no_order(get: Get, project: Project) -> None:
    project(*placed(*range(10, 20)))
    seen = []
    for number, page in enumerate(pages(get, 3)):
        seen += page
        # New orders on top, one of the same moment as the last that was seen, changes all over.
        last = int(page[-1][-12:])
        twin = order_commits(last + 60, [PLACED])
        changed = [order_commits(each, [PLACED], CONFIRMED[1:])[1:] for each in (last, last - 1)]
        project(*placed(30 + number), twin, *(changed if number < 2 else []))
    assert seen == ids(*range(19, 9, -1))
    assert len(listed(get, 2)) == 10 + 2 * 4


def test_an_order_that_changes_its_status_is_not_listed_twice(get: Get, project: Project) -> None:
    project(*placed(*range(1, 7)))
    seen = []
    for page in pages(get, 2, status="placed"):
        seen += page
        number = int(page[-1][-12:])
        project(order_commits(number, [PLACED], CONFIRMED[1:])[1:])
    assert seen == ids(6, 5, 4, 3, 2, 1)
    assert listed(get, status="confirmed") == ids(5, 3, 1)


@pytest.fixture
def cursor(get: Get, project: Project) -> str:
    """Ana's, of her confirmed orders of a day."""
    project(*(order_commits(number, CONFIRMED) for number in NUMBERS))
    cursor = body_of(get(LIST, query=DAY | {"limit": "2"}))["cursor"]
    assert isinstance(cursor, str)
    return cursor


DAY = {
    "status": "confirmed",
    "from": "2026-01-01T00:00:00Z",
    "to": "2026-01-02T00:00:00Z",
}


def test_a_cursor_goes_on_with_another_limit_or_spelling(get: Get, cursor: str) -> None:
    same = DAY | {"from": "2026-01-01T02:00:00+02:00", "limit": "3", "cursor": cursor}
    assert [order["order_id"] for order in body_of(get(LIST, query=same))["orders"]] == ids(3, 2, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"status": "placed"},
        {"status": None},
        {"from": "2026-01-01T00:00:01Z"},
        {"from": None},
        {"to": "2026-01-03T00:00:00Z"},
        {"to": None},
        {"status": None, "from": None, "to": None},
    ],
    ids=str,
)
def test_a_cursor_of_another_list_is_refused(
    get: Get, cursor: str, other: dict[str, str | None]
) -> None:
    query = {name: text for name, text in (DAY | other).items() if text} | {"cursor": cursor}
    answer = get(LIST, query=query)
    assert problem(answer) == (400, "bad-parameter")
    assert body_of(answer)["parameter"] == "cursor"


def test_a_cursor_of_another_customer_is_refused(get: Get, cursor: str) -> None:
    theirs = get(LIST, subject="bob", query=DAY | {"cursor": cursor})
    assert problem(theirs) == (400, "bad-parameter")


def test_a_cursor_is_refused_whatever_is_changed_in_it(get: Get, cursor: str) -> None:
    for place, letter in enumerate(cursor):
        other = "A" if letter != "A" else "B"
        changed = cursor[:place] + other + cursor[place + 1 :]
        answer = get(LIST, query=DAY | {"cursor": changed})
        assert problem(answer) == (400, "bad-parameter"), changed
        assert body_of(answer)["parameter"] == "cursor"


@pytest.mark.parametrize(
    "content",
    [
        ["2026-01-01T12:00:04Z' OR '1'='1", order_id(4), "0" * 32],
        ["2026-01-01T12:00:04.000", order_id(4), "0" * 32],
        ["0001-01-01T00:00:00+23:00", order_id(4), "0" * 32],
        ["2026-01-01T12:00:04.000Z", "'; DROP TABLE read_model.gates; --", "0" * 32],
        ["2026-01-01T12:00:04.000Z", order_id(4)],
        [None, None, None],
        {"placed_at": "2026-01-01T12:00:04.000Z"},
    ],
    ids=str,
)
def test_a_cursor_that_someone_made_up_is_refused(get: Get, cursor: str, content: Any) -> None:
    made_up = base64.urlsafe_b64encode(msgspec.json.encode(content)).decode()
    assert problem(get(LIST, query=DAY | {"cursor": made_up})) == (400, "bad-parameter")


SQL = "'; DELETE FROM read_model.order_summary; --"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "ten"},
        {"limit": "-1"},
        {"limit": ""},
        {"limit": SQL},
        {"cursor": "x"},
        {"cursor": "W10="},
        {"cursor": ""},
        {"cursor": "\u00e9"},
        {"cursor": SQL},
        {"status": "lost"},
        {"status": "PLACED"},
        {"status": ""},
        {"status": "placed,shipped"},
        {"status": SQL},
        {"from": "2026-01-01"},
        {"from": "2026-01-01T12:00:00"},
        {"from": "infinity"},
        {"from": SQL},
        {"to": "now"},
        {"to": "2026-01-01T12:00:00Z" + SQL},
        {"to": "2026-01-01T12:00:00Z", "from": "2026-01-01T12:00:00Z"},
        {"to": "2026-01-01T12:00:00Z", "from": "2026-01-01T13:30:00+01:00"},
    ],
    ids=str,
)
def test_a_bad_parameter_is_named(get: Get, project: Project, query: dict[str, str]) -> None:
    project(*placed(1))
    answer = get(LIST, query=query)
    assert problem(answer) == (400, "bad-parameter")
    assert body_of(answer)["parameter"] == next(iter(query))
    assert listed(get) == ids(1), "and nothing is lost"


def test_sql_in_an_order_stays_text(stage_with_database: Stage, get: Get, project: Project) -> None:
    assert PLACED.delivery
    street = "1', now()); DROP TABLE read_model.order_summary; --"
    delivery = msgspec.structs.replace(PLACED.delivery, street=street, recipient=SQL)
    project(order_commits(1, [msgspec.structs.replace(PLACED, delivery=delivery)]), *placed(2))
    shown = body_of(get(LIST))["orders"]
    assert [order["order_id"] for order in shown] == ids(2, 1)
    assert (shown[1]["delivery"]["street"], shown[1]["delivery"]["recipient"]) == (street, SQL)
