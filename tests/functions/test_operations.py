"""One operation heals everything: repair, reconcile, republish, and failed batches from S3."""

import json
from typing import Any

import pytest

from bitacora.faults import FaultProxy, Refuse, Rule
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.commit import Commit
from tests.aws.orders import CONFIRMED, order_commits, order_id
from tests.functions.stage import (
    VALUES,
    Stage,
    failures,
    heard,
    log_event,
    queue_event,
    stream_event,
)


def kept(stage: Stage, number: int) -> list[Commit]:
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    commits = order_commits(number, CONFIRMED[:1], CONFIRMED[1:])
    for commit in commits:
        store.append(commit)
    return commits


def shown(stage: Stage, number: int) -> int | None:
    """The version that the read model shows of an order."""
    assert stage.read_side
    with stage.read_side.connect() as admin:
        row = admin.execute(
            "SELECT version FROM read_model.order_summary WHERE order_id = %s", [order_id(number)]
        ).fetchone()
    return row[0] if row else None


def looked_up(stage: Stage, number: int) -> int | None:
    """The version that the status shows of an order."""
    found = stage.client("dynamodb").get_item(
        TableName=VALUES["ORDER_STATUS_TABLE"],
        Key={"stream": {"S": f"order-{order_id(number)}"}},
        ConsistentRead=True,
    )
    return int(found["Item"]["version"]["N"]) if "Item" in found else None


def failed_batch(stage: Stage, function: str, event: dict[str, Any], key: str) -> dict[str, Any]:
    """An on-failure record in S3, and the queue event of its notification."""
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:bitacora-test-{function}"
    record = {
        "requestContext": {"functionArn": arn, "condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "payload": json.dumps(event),
    }
    stage.client("s3").put_object(
        Bucket=VALUES["FAILURES_BUCKET"], Key=key, Body=json.dumps(record).encode()
    )
    quoted = key.replace(" ", "+").replace(":", "%3A")
    notification = {"Records": [{"s3": {"object": {"key": quoted}}}]}
    return queue_event(notification)


def test_repair_shows_what_the_log_lost(stage_with_database: Stage) -> None:
    commits = kept(stage_with_database, 401)
    operations = stage_with_database.function("operations")
    answer = operations.handler({"operation": "repair", "stream": commits[0].stream}, None)
    assert list(answer["repaired"]) == ["order_status", "orders"]
    for done in answer["repaired"].values():
        assert (done["start"], done["end"], answer["parked"]) == (0, 2, {})
    assert shown(stage_with_database, 401) == looked_up(stage_with_database, 401) == 3


def test_what_the_status_parked_is_listed_until_it_is_repaired(stage_with_database: Stage) -> None:
    commits = kept(stage_with_database, 441)
    unreadable = log_event(commits[1:])
    unreadable["Records"][0]["kinesis"]["data"] = "bm8ganNvbg=="
    projector = stage_with_database.function("status_projector")
    assert failures(projector.handler(log_event(commits[:1]), None)) == []
    assert failures(projector.handler(unreadable, None)) == []
    operations = stage_with_database.function("operations")
    [listed] = parked_in_status(operations, commits[0].stream)
    assert (listed["commit"], listed["reason"][:18]) == (2, "unreadable record:")
    assert listed["since"]
    operations.handler({"operation": "repair", "stream": commits[0].stream}, None)
    assert looked_up(stage_with_database, 441) == 3
    assert parked_in_status(operations, commits[0].stream) == []


def parked_in_status(operations: Any, stream: str) -> list[dict[str, Any]]:
    """What the operator is told of a stream, on all pages."""
    listed: list[dict[str, Any]] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = operations.handler({"operation": "parked", "cursor": cursor}, None)
        listed, cursor, pages = listed + page["parked"], page["cursor"], pages + 1
    return [one for one in listed if (one["consumer"], one["stream"]) == ("order_status", stream)]


def test_reconcile_finds_a_lost_last_commit(stage_with_database: Stage) -> None:
    commits = kept(stage_with_database, 402)
    projector = stage_with_database.function("projector")
    projector.handler(log_event(commits[:1]), None)
    operations = stage_with_database.function("operations")
    operations.PAGE = 3
    answer = operations.handler({"operation": "reconcile"}, None)
    assert answer["finished"] is True
    repaired = [one for one in answer["repaired"] if one["stream"] == commits[0].stream]
    assert {one["read_model"]: (one["start"], one["end"]) for one in repaired} == {
        "orders": (1, 2),
        "order_status": (0, 2),
    }
    assert shown(stage_with_database, 402) == looked_up(stage_with_database, 402) == 3


@pytest.mark.parametrize(("read_model", "first"), [("orders", 403), ("order_status", 451)])
def test_reconcile_goes_on_where_the_last_slice_ended(
    stage_with_database: Stage, read_model: str, first: int
) -> None:
    ours = {kept(stage_with_database, number)[0].stream for number in range(first, first + 4)}
    store = DynamoDBEventStore(stage_with_database.client("dynamodb"), VALUES["EVENTS_TABLE"])
    seen: set[str] = set()
    cursor: str | None = None
    while not seen & ours:
        heads, cursor = store.heads(cursor, 2)
        assert cursor, "the last of the streams is never the first of ours"
        seen |= {head.stream for head in heads}
    operations = stage_with_database.function("operations")
    cursors = operations.operations.cursors
    cursors.keep(read_model, cursor)
    answer = operations.handler({"operation": "reconcile"}, None)
    assert answer["finished"] is True
    repaired = {one["stream"] for one in answer["repaired"] if one["read_model"] == read_model}
    assert repaired & ours == ours - seen
    assert cursors.get(read_model) is None


def test_republish_tells_everything_again(stage_with_database: Stage) -> None:
    commits = kept(stage_with_database, 407)
    operations = stage_with_database.function("operations")
    answer = operations.handler({"operation": "republish", "stream": commits[0].stream}, None)
    told = answer["republished"]
    assert (told["published"], told["end"], answer["parked"]) == (2, 2, {})
    assert {event["id"] for event in heard(stage_with_database.emulator, expected=2)} == {
        f"{commits[0].stream}/1/0",
        f"{commits[0].stream}/2/1",
    }


@pytest.mark.parametrize(
    ("function", "numbers", "orders", "order_status"),
    [
        ("relay", (408, 409), 3, 3),
        ("projector", (461, 462), 3, None),
        ("status-projector", (463, 464), None, 3),
    ],
)
def test_a_failed_batch_of_the_internal_way_is_repaired_where_it_was_to_go(
    stage_with_database: Stage,
    function: str,
    numbers: tuple[int, int],
    orders: int | None,
    order_status: int | None,
) -> None:
    first, second = (kept(stage_with_database, number) for number in numbers)
    event = stream_event([*first, *second]) if function == "relay" else log_event(first, second)
    message = failed_batch(stage_with_database, function, event, f"aws/lambda/{function} 12:00")
    operations = stage_with_database.function("operations")
    assert failures(operations.handler(message, None)) == []
    for number in numbers:
        assert shown(stage_with_database, number) == orders
        assert looked_up(stage_with_database, number) == order_status


def test_a_failed_batch_of_the_publisher_is_republished(stage_with_database: Stage) -> None:
    commits = kept(stage_with_database, 410)
    message = failed_batch(
        stage_with_database, "publisher", stream_event(commits), "aws/lambda/publisher"
    )
    operations = stage_with_database.function("operations")
    assert failures(operations.handler(message, None)) == []
    assert len(heard(stage_with_database.emulator, expected=2)) == 2
    assert shown(stage_with_database, 410) is None


def test_a_failed_batch_of_the_erasure_becomes_a_dead_letter(stage_with_database: Stage) -> None:
    """Nothing that `operations` may do finishes it: it must not be taken for healed."""
    commits = kept(stage_with_database, 412)
    message = failed_batch(stage_with_database, "erasure", log_event(commits), "aws/lambda/erasure")
    operations = stage_with_database.function("operations")
    assert failures(operations.handler(message, None)) == ["message-0"]


def test_a_batch_that_can_not_be_healed_yet_stays_on_the_queue(stage_with_database: Stage) -> None:
    commits = kept(stage_with_database, 411)
    message = failed_batch(stage_with_database, "relay", stream_event(commits), "aws/lambda/later")
    with FaultProxy(lambda: stage_with_database.emulator.endpoint) as proxy:
        operations = stage_with_database.function("operations", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="dynamodb", operation="Query", times=None))
        assert failures(operations.handler(message, None)) == ["message-0"]
        proxy.clear()
        assert failures(operations.handler(message, None)) == []
    assert shown(stage_with_database, 411) == 3


def test_what_is_no_notification_fails_and_a_test_event_does_not(
    stage_with_database: Stage,
) -> None:
    operations = stage_with_database.function("operations")
    event = queue_event("no JSON", {"Records": 1}, {"Event": "s3:TestEvent"})
    assert failures(operations.handler(event, None)) == ["message-0", "message-1"]


@pytest.mark.parametrize("event", [{}, {"operation": "drop"}, {"operation": "repair"}])
def test_an_unknown_operation_is_told(stage_with_database: Stage, event: dict[str, str]) -> None:
    answer = stage_with_database.function("operations").handler(event, None)
    assert "repair" in answer["error"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"action": "all"}, "unknown action 'all' of rebuild"),
        ({"action": "go-on", "worker": 2, "workers": 2}, "no worker 2 of 2"),
        ({"action": "go-on", "worker": 0, "workers": 0}, "no worker 0 of 0"),
        ({"action": "go-on", "worker": "1; DROP SCHEMA read_model"}, "not supported"),
    ],
)
def test_a_rebuild_that_is_asked_for_wrongly_is_told(
    stage_with_database: Stage, wrong: dict[str, Any], told: str
) -> None:
    operations = stage_with_database.function("operations")
    assert told in operations.handler({"operation": "rebuild", **wrong}, None)["error"]
