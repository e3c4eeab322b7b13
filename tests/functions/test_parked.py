"""What is parked is listed page by page over all consumers, and every commit is shown unsaid."""

from typing import Any

import pytest

from reference_service.aws.parked_markers import DynamoDBParkedMarkers
from reference_service.cqrs.parking import Parked
from reference_service.order.events import VERSIONS
from tests.aws.orders import PLACED, order_commits, order_id
from tests.functions import stage as stages
from tests.functions.stage import Keep, Project, Stage

FORK = "commit 1 is of another history"


@pytest.fixture
def markers(stage: Stage) -> DynamoDBParkedMarkers:
    return DynamoDBParkedMarkers(stage.client("dynamodb"), stages.VALUES["PARKED_TABLE"])


def listed(stage: Stage, page: int = 200) -> tuple[list[Parked], int]:
    """Everything that is parked, and in how many pages it came."""
    operations = stage.function("operations")
    found: list[Parked] = []
    cursor, pages = None, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reference_service.functions.parked.PAGE", page)
        while pages == 0 or cursor:
            answer = operations.handler({"operation": "parked", "cursor": cursor}, None)
            page_of = [Parked(**one) for one in answer["parked"]]
            found += [one for one in page_of if one.consumer != "order_status"]
            cursor, pages = answer["cursor"], pages + 1
    return found, pages


def forked(keep: Keep, project: Project, number: int) -> str:
    """A stream whose first commit is another one in the log than in the event store."""
    keep(order_commits(number, [PLACED]))
    project(order_commits(number, [PLACED], at="2026-01-02T00:00:00.000Z"))
    project(order_commits(number, [PLACED]))
    return f"order-{order_id(number)}"


def test_the_parked_streams_of_every_consumer_are_listed(
    stage_with_database: Stage, keep: Keep, project: Project, markers: DynamoDBParkedMarkers
) -> None:
    streams = [forked(keep, project, number) for number in (931, 932, 933)]
    markers.park("relay", "order-x", 3, "no hash")
    markers.park("publisher", "order-x", 4, "no state")
    found, pages = listed(stage_with_database, page=2)
    assert [(one.consumer, one.stream, one.commit, one.reason) for one in found] == [
        *(("orders", stream, 1, FORK) for stream in sorted(streams)),
        ("relay", "order-x", 3, "no hash"),
        ("publisher", "order-x", 4, "no state"),
    ]
    assert all(one.since and one.since.endswith("Z") for one in found)
    assert pages >= 5


def test_a_repair_that_does_not_help_leaves_the_moment_as_it_was(
    stage_with_database: Stage, keep: Keep, project: Project, markers: DynamoDBParkedMarkers
) -> None:
    stream = forked(keep, project, 934)
    [before] = listed(stage_with_database)[0]
    operations = stage_with_database.function("operations")
    healed = operations.handler({"operation": "repair", "stream": stream}, None)
    assert healed["parked"] == {"orders": FORK}
    assert listed(stage_with_database)[0] == [before]


def test_a_commit_is_shown_without_what_its_events_say(
    stage_with_database: Stage, keep: Keep
) -> None:
    [commit] = order_commits(935, [PLACED])
    keep([commit])
    answer = envelope(stage_with_database, commit.stream, 1)
    shown = answer["envelope"]
    assert shown["events"] == [f"OrderPlaced v{VERSIONS['OrderPlaced']}"]
    assert (shown["hash"], shown["at"], shown["actor"]) == (commit.hash, commit.at, commit.actor)
    assert "body" not in shown
    assert PLACED.customer_id not in str(answer)


def test_a_commit_that_is_none_is_told_with_its_fault(stage_with_database: Stage) -> None:
    assert envelope(stage_with_database, "order-nowhere", 1) == {"envelope": None, "fault": None}
    stage_with_database.client("dynamodb").put_item(
        TableName=stages.VALUES["EVENTS_TABLE"],
        Item={"stream": {"S": "order-junk"}, "commit": {"N": "1"}},
    )
    try:
        answer = envelope(stage_with_database, "order-junk", 1)
    finally:
        stage_with_database.client("dynamodb").delete_item(
            TableName=stages.VALUES["EVENTS_TABLE"],
            Key={"stream": {"S": "order-junk"}, "commit": {"N": "1"}},
        )
    assert answer["envelope"] is None
    assert "no commit" in answer["fault"]


def envelope(stage: Stage, stream: str, commit: int) -> dict[str, Any]:
    event = {"operation": "envelope", "stream": stream, "commit": commit}
    answer: dict[str, Any] = stage.function("operations").handler(event, None)
    return answer


@pytest.mark.parametrize("cursor", ["nobody:", "", "x"])
def test_a_cursor_of_nobody_is_refused(stage_with_database: Stage, cursor: str) -> None:
    operations = stage_with_database.function("operations")
    answer = operations.handler({"operation": "parked", "cursor": cursor}, None)
    assert ("error" in answer) is bool(cursor)
