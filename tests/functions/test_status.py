"""HTTP: where an order stands, looked up by key without a database."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from bitacora.faults import FaultProxy, Refuse, Rule
from reference_service.cqrs.commit import Commit
from tests.aws.orders import CONFIRMED, order_commits, order_id
from tests.functions.stage import (
    STATUS,
    VALUES,
    Get,
    Stage,
    body_of,
    failures,
    http,
    log_event,
    problem,
)
from tests.order.ana import ANA

PLACED_THEN_PAID = order_commits(601, CONFIRMED[:1], CONFIRMED[1:])
Project = Callable[..., None]


@pytest.fixture
def project(stage: Stage) -> Project:
    """Deliver commits to the projector of the status, on a table without this test's orders."""
    for number in (601, 602):
        stage.client("dynamodb").delete_item(
            TableName=VALUES["ORDER_STATUS_TABLE"],
            Key={"stream": {"S": f"order-{order_id(number)}"}},
        )
    projector = stage.function("status_projector")

    def deliver(*entries: Sequence[Commit]) -> None:
        assert failures(projector.handler(log_event(*entries), None)) == []

    return deliver


@pytest.fixture
def get(stage: Stage) -> Get:
    """Ask for order 601 as Ana, unless told otherwise."""
    status = stage.function("status")
    status.WAIT_S = 0.2

    def read(**options: Any) -> dict[str, Any]:
        asked = {"subject": ANA, "order_id": order_id(601)} | options
        answer: dict[str, Any] = status.handler(http(STATUS, **asked), None)
        return answer

    return read


def least(version: int) -> dict[str, str]:
    return {"min_version": str(version)}


def test_an_order_is_shown_as_projected(get: Get, project: Project) -> None:
    project(PLACED_THEN_PAID)
    answer = get()
    assert answer["statusCode"] == 200
    assert answer["headers"]["etag"] == '"3"'
    body = body_of(answer)
    assert (body["order_id"], body["customer_id"]) == (order_id(601), ANA)
    assert (body["status"], body["version"], body["commit"]) == ("confirmed", 3, 2)
    assert body["paid"] == body["total"] == 4190
    assert body["updated_at"] == PLACED_THEN_PAID[-1].at
    assert not {"lines", "delivery", "parked"} & body.keys()


def test_a_version_that_is_shown_is_answered_at_once(get: Get, project: Project) -> None:
    project(PLACED_THEN_PAID)
    assert get(query=least(3))["statusCode"] == 200


def test_a_version_that_is_not_shown_yet_is_never_answered_by_an_older_one(
    get: Get, project: Project
) -> None:
    project(PLACED_THEN_PAID[:1])
    answer = get(query=least(3))
    assert problem(answer) == (503, "not-yet-visible")
    assert answer["headers"]["retry-after"] == "1"
    assert body_of(answer)["version"] == 1


def test_a_look_up_waits_for_the_version_that_is_on_its_way(stage: Stage, project: Project) -> None:
    project(PLACED_THEN_PAID[:1])
    status = stage.function("status")
    looked: list[str] = []
    look_up = status.read_model.look_up

    def look(stream: str) -> Any:
        looked.append(stream)
        if len(looked) == 3:
            project(PLACED_THEN_PAID[1:])
        return look_up(stream)

    stage.monkeypatch.setattr(type(status.read_model), "look_up", lambda _, stream: look(stream))
    event = http(STATUS, subject=ANA, order_id=order_id(601), query=least(3))
    assert status.handler(event, None)["statusCode"] == 200
    assert len(looked) == 3


def test_an_order_not_shown_yet_is_waited_for_when_its_version_is_known(
    get: Get, project: Project
) -> None:
    answer = get(query=least(1))
    assert problem(answer) == (503, "not-yet-visible")
    assert body_of(answer)["version"] == 0
    assert problem(get()) == (404, "unknown-order")


@pytest.mark.parametrize("query", [None, least(1), least(9)])
def test_anothers_order_and_no_order_look_the_same(
    get: Get, project: Project, query: dict[str, str] | None
) -> None:
    project(PLACED_THEN_PAID)
    theirs = get(subject="bob", query=query)
    nothing = get(subject="bob", query=query, order_id=str(uuid4()))
    assert (theirs["statusCode"], theirs["body"]) == (nothing["statusCode"], nothing["body"])
    assert ANA not in theirs["body"]


def test_support_looks_up_any_order_and_is_seen_doing_it_once(
    get: Get, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project(PLACED_THEN_PAID)
    staff = {"subject": "eva", "claims": {"scope": "orders:read-all"}}
    assert get(**staff) == get()
    assert problem(get(**staff, query=least(9))) == (503, "not-yet-visible")
    told = [message for message in caplog.messages if "support" in message]
    assert len(told) == 2
    assert told[0].startswith(f"eva of support reads {order_id(601)} of customer {ANA}: {STATUS}")


@pytest.mark.parametrize("name", ["no-uuid", "../x", "x" * 5000, order_id(601).upper() + "A"])
def test_what_is_no_id_is_no_order(get: Get, name: str) -> None:
    assert problem(get(order_id=name)) == (404, "unknown-order")


def test_a_parked_order_says_so(stage: Stage, get: Get, project: Project) -> None:
    project(PLACED_THEN_PAID[:1])
    poison = log_event(PLACED_THEN_PAID[1:])
    poison["Records"][0]["kinesis"]["data"] = "bm8ganNvbg=="
    assert failures(stage.function("status_projector").handler(poison, None)) == []
    answer = get(query=least(3))
    assert problem(answer) == (503, "parked")
    assert body_of(answer)["version"] == 1
    shown = get()
    assert shown["statusCode"] == 200
    assert body_of(shown)["parked"] is True


@pytest.mark.parametrize("version", ["-1", "x", "1.5", "9" * 12])
def test_a_version_that_can_not_be_is_told(get: Get, version: str) -> None:
    assert problem(get(query={"min_version": version})) == (400, "bad-parameter")


def test_a_gap_is_filled_from_the_event_store(
    get: Get, keep: Callable[[Sequence[Commit]], None], project: Project
) -> None:
    commits = order_commits(602, CONFIRMED[:1], CONFIRMED[1:])
    keep(commits)
    project(commits[1:])
    assert body_of(get(order_id=order_id(602)))["version"] == 3


def test_a_table_that_is_down_is_told_and_its_batch_comes_back(
    stage: Stage, project: Project
) -> None:
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        status = stage.function("status", endpoint=proxy.url)
        projector = stage.function("status_projector", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="dynamodb", operation="*", times=None))
        answer = status.handler(http(STATUS, subject=ANA, order_id=order_id(601)), None)
        assert problem(answer) == (503, "unavailable")
        event = log_event(PLACED_THEN_PAID)
        [place] = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
        assert failures(projector.handler(event, None)) == [place]
        proxy.clear()
        assert failures(projector.handler(event, None)) == []
        answer = status.handler(http(STATUS, subject=ANA, order_id=order_id(601)), None)
        assert body_of(answer)["version"] == 3
