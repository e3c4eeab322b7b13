"""HTTP queries: a read says what it is, and shows only the caller's own orders."""

from typing import Any
from uuid import uuid4

import pytest

from tests.aws.orders import CONFIRMED, SHIPPED, order_commits, order_id
from tests.functions.stage import (
    HISTORY,
    LIST,
    ORDER,
    Get,
    Keep,
    Project,
    Stage,
    body_of,
    failures,
    http,
    log_event,
    problem,
)
from tests.order.ana import ANA

PLACED_THEN_PAID = order_commits(101, CONFIRMED[:1], CONFIRMED[1:])


def test_an_order_is_shown_as_projected(get: Get, project: Project) -> None:
    project(PLACED_THEN_PAID)
    answer = get(ORDER, 101)
    assert answer["statusCode"] == 200
    assert answer["headers"]["etag"] == '"3"'
    body = body_of(answer)
    assert (body["order_id"], body["status"]) == (order_id(101), "confirmed")
    assert (body["version"], body["commit"]) == (3, 2)
    assert body["paid"] == body["total"] == 4190


def test_a_version_that_is_shown_is_answered_at_once(get: Get, project: Project) -> None:
    project(PLACED_THEN_PAID)
    assert get(ORDER, 101, query={"min_version": "3"})["statusCode"] == 200


def test_a_version_that_is_not_shown_yet_is_never_answered_by_an_older_one(
    get: Get, keep: Keep, project: Project
) -> None:
    keep(PLACED_THEN_PAID)
    project(PLACED_THEN_PAID[:1])
    answer = get(ORDER, 101, query={"min_version": "3"})
    assert problem(answer) == (503, "not-yet-visible")
    assert answer["headers"]["retry-after"] == "1"
    assert body_of(answer)["version"] == 1


def test_an_order_not_shown_at_all_yet_is_not_unknown_to_its_owner(get: Get, keep: Keep) -> None:
    keep(PLACED_THEN_PAID)
    assert problem(get(ORDER, 101)) == (503, "not-yet-visible")
    assert problem(get(ORDER, 101, subject="bob")) == (404, "unknown-order")


@pytest.mark.parametrize("route", [ORDER, HISTORY])
@pytest.mark.parametrize("name", ["no-uuid", "../x", "x" * 5000, order_id(101).upper() + "A"])
def test_what_is_no_id_is_no_order(get: Get, route: str, name: str) -> None:
    for query in ({}, {"consistency": "strong"}, {"version": "1"}):
        if route == ORDER or not query:
            assert problem(get(route, order_id=name, query=query)) == (404, "unknown-order")


def test_a_read_waits_for_the_version_that_is_on_its_way(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project
) -> None:
    keep(PLACED_THEN_PAID)
    project(PLACED_THEN_PAID[:1])
    query = stage_with_database.function("query")
    looked: list[str] = []
    by_stream = query.side.queries.by_stream

    def look(stream: str) -> Any:
        looked.append(stream)
        if len(looked) == 3:
            project(PLACED_THEN_PAID[1:])
        return by_stream(stream)

    stage_with_database.monkeypatch.setattr(
        type(query.side.queries), "by_stream", lambda _, stream: look(stream)
    )
    event = http(ORDER, subject=ANA, order_id=order_id(101), query={"min_version": "3"})
    answer = query.handler(event, None)
    assert answer["statusCode"] == 200
    assert len(looked) == 3


def test_a_parked_order_says_so(stage_with_database: Stage, get: Get, project: Project) -> None:
    project(PLACED_THEN_PAID[:1])
    poison = log_event(PLACED_THEN_PAID[1:])
    poison["Records"][0]["kinesis"]["data"] = "bm8ganNvbg=="
    projector = stage_with_database.function("projector")
    assert failures(projector.handler(poison, None)) == []
    answer = get(ORDER, 101, query={"min_version": "3"})
    assert problem(answer) == (503, "parked")
    assert body_of(answer)["version"] == 1
    shown = get(ORDER, 101)
    assert shown["statusCode"] == 200
    assert body_of(shown)["parked"] is True


@pytest.mark.parametrize("route", [ORDER, HISTORY])
def test_anothers_order_and_no_order_look_the_same(
    get: Get, keep: Keep, project: Project, route: str
) -> None:
    keep(PLACED_THEN_PAID)
    project(PLACED_THEN_PAID)
    theirs = get(route, 101, subject="bob")
    assert problem(theirs) == (404, "unknown-order")
    for nothing in (str(uuid4()), "no-uuid", "../x"):
        assert get(route, order_id=nothing)["body"] == theirs["body"]
    waiting = get(route, 101, subject="bob", query={"min_version": "9"})
    assert waiting["body"] == theirs["body"]


def test_the_history_is_complete_before_anything_is_projected(get: Get, keep: Keep) -> None:
    commits = order_commits(102, SHIPPED[:1], SHIPPED[1:3], SHIPPED[3:])
    keep(commits)
    answer = get(HISTORY, 102)
    assert answer["headers"]["etag"] == '"4"'
    events = body_of(answer)["events"]
    assert [(event["version"], event["commit"], event["type"]) for event in events] == [
        (1, 1, "OrderPlaced"),
        (2, 2, "PaymentReceived"),
        (3, 2, "OrderConfirmed"),
        (4, 3, "OrderShipped"),
    ]
    assert events[1]["at"] == commits[1].at
    assert events[1]["actor"] == "ana"
    assert events[1]["command_id"] == commits[1].command_id
    assert events[1]["causation"] == "request-1"
    assert events[1]["data"]["amount"] == {"amount": 4190, "currency": "EUR"}


def test_a_read_side_that_is_down_is_told(stage_with_database: Stage) -> None:
    stage_with_database.read_side = None  # the address in the settings, where nothing listens
    query = stage_with_database.function("query")
    answer = query.handler(http(LIST, subject=ANA), None)
    assert problem(answer) == (503, "unavailable")
