"""Strong reads and past states: folded from the event store, whatever the projection shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.aws.orders import CONFIRMED, SHIPPED, order_commits, order_id
from tests.functions.stage import ORDER, Get, Keep, Project, Stage, body_of, problem
from tests.order.ana import CANCELLED, euros, paid

# Placed at 12:00:01.000, paid and confirmed in one commit at .001, shipped at .002.
SENT = order_commits(301, SHIPPED[:1], SHIPPED[1:3], SHIPPED[3:])
PLACED_AT, CONFIRMED_AT, SHIPPED_AT = (commit.at for commit in SENT)


def shown(answer: dict[str, Any]) -> tuple[int, int, str, str]:
    """Version, commit, status and the moment of that commit."""
    assert answer["statusCode"] == 200, answer["body"]
    body = body_of(answer)
    assert answer["headers"]["etag"] == f'"{body["version"]}"'
    return body["version"], body["commit"], body["status"], body["updated_at"]


def test_a_strong_read_shows_what_the_projection_does_not_yet(
    get: Get, keep: Keep, project: Project
) -> None:
    keep(SENT)
    project(SENT[:1])
    assert shown(get(ORDER, 301, query={"consistency": "eventual"}))[0] == 1
    assert shown(get(ORDER, 301, query={"consistency": "strong"})) == (4, 3, "shipped", SHIPPED_AT)
    known = {"consistency": "strong", "min_version": "4"}
    assert shown(get(ORDER, 301, query=known))[0] == 4


@pytest.mark.parametrize(
    ("number", "events"),
    [
        pytest.param(311, (SHIPPED[:1],), id="placed"),
        pytest.param(312, (SHIPPED[:1], [paid(euros(1))]), id="paid in part"),
        pytest.param(313, (SHIPPED[:3],), id="confirmed"),
        pytest.param(314, (SHIPPED[:1], SHIPPED[1:3], SHIPPED[3:]), id="shipped"),
        pytest.param(315, (CANCELLED[:1], CANCELLED[1:]), id="cancelled"),
    ],
)
def test_once_all_is_projected_every_way_to_read_gives_the_same(
    get: Get, keep: Keep, project: Project, number: int, events: Any
) -> None:
    commits = order_commits(number, *events)
    keep(commits)
    project(commits)
    eventual = get(ORDER, number)
    newest = str(commits[-1].version)
    for query in (
        {"consistency": "strong"},
        {"version": newest},
        {"as_of": commits[-1].at},
        {"as_of": commits[-1].at, "consistency": "strong"},
    ):
        other = get(ORDER, number, query=query)
        assert (shown(other), other["body"]) == (shown(eventual), eventual["body"])


def test_a_strong_read_of_a_parked_order_is_complete(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project
) -> None:
    keep(SENT)
    project(SENT[:1])
    assert stage_with_database.read_side
    with stage_with_database.read_side.connect() as admin:
        admin.execute(
            "INSERT INTO read_model.parked (stream, commit, reason) VALUES (%s, 2, 'poison')",
            [SENT[0].stream],
        )
    assert body_of(get(ORDER, 301))["parked"] is True
    strong = body_of(get(ORDER, 301, query={"consistency": "strong"}))
    assert (strong["version"], "parked" in strong) == (4, False)


def test_each_version_is_shown_as_it_was(get: Get, keep: Keep) -> None:
    keep(SENT)
    assert [shown(get(ORDER, 301, query={"version": str(n)})) for n in (1, 2, 3, 4)] == [
        (1, 1, "placed", PLACED_AT),
        (2, 2, "placed", CONFIRMED_AT),  # within a commit: paid, and not confirmed yet
        (3, 2, "confirmed", CONFIRMED_AT),
        (4, 3, "shipped", SHIPPED_AT),
    ]
    paid_so_far = body_of(get(ORDER, 301, query={"version": "2"}))
    assert paid_so_far["paid"] == paid_so_far["total"] == 4190
    assert body_of(get(ORDER, 301, query={"version": "3"}))["shipment_id"] is None


@pytest.mark.parametrize(
    ("as_of", "version"),
    [
        ("2026-01-01T12:00:01.000Z", 1),
        ("2026-01-01T12:00:01.0009Z", 1),
        ("2026-01-01T12:00:01.001Z", 3),
        ("2026-01-01t14:00:01.001+02:00", 3),
        ("2026-01-01T02:00:01.001999-10:00", 3),
        ("2026-01-01T12:00:02z", 4),
        ("2026-03-01T00:00:00Z", 4),
    ],
)
def test_a_moment_shows_the_last_commit_up_to_it(
    get: Get, keep: Keep, as_of: str, version: int
) -> None:
    keep(SENT)
    assert shown(get(ORDER, 301, query={"as_of": as_of}))[0] == version


def test_what_happened_later_does_not_change_the_past(get: Get, keep: Keep) -> None:
    commits = order_commits(302, SHIPPED[:1], SHIPPED[1:3], SHIPPED[3:])
    keep(commits[:2])
    past = [get(ORDER, 302, query=query) for query in ({"version": "2"}, {"as_of": commits[1].at})]
    keep(commits[2:])
    assert past == [
        get(ORDER, 302, query=query) for query in ({"version": "2"}, {"as_of": commits[1].at})
    ]


def test_commits_of_the_same_moment_are_all_in_it(get: Get, keep: Keep) -> None:
    commits = order_commits(303, CONFIRMED[:1], CONFIRMED[1:], at=PLACED_AT)
    keep(commits)
    assert shown(get(ORDER, 303, query={"as_of": PLACED_AT}))[0] == 3


def test_the_moment_of_a_commit_is_known_although_its_clock_was_ahead(get: Get, keep: Keep) -> None:
    ahead = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000Z"
    keep(order_commits(304, CONFIRMED, at=ahead))
    assert shown(get(ORDER, 304, query={"as_of": ahead}))[3] == ahead
    later = f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    assert problem(get(ORDER, 304, query={"as_of": later})) == (400, "bad-parameter")


@pytest.mark.parametrize(
    "query",
    [{"version": "5"}, {"version": "1000000000"}, {"min_version": "5", "consistency": "strong"}],
)
def test_a_version_that_is_not_there_names_the_newest(
    get: Get, keep: Keep, query: dict[str, str]
) -> None:
    keep(SENT)
    answer = get(ORDER, 301, query=query)
    assert problem(answer) == (404, "no-such-version")
    assert body_of(answer)["parameter"] == next(iter(query))
    assert body_of(answer)["version"] == 4


def test_before_the_order_was_placed_there_was_none(get: Get, keep: Keep) -> None:
    keep(SENT)
    for as_of in ("2026-01-01T12:00:00.999999Z", "0001-01-01T00:00:00Z"):
        answer = get(ORDER, 301, query={"as_of": as_of})
        assert problem(answer) == (404, "before-placement")
        assert body_of(answer)["parameter"] == "as_of"
        assert PLACED_AT in body_of(answer)["detail"]


MOMENT = "2026-01-01T12:00:01Z"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"version": "0"}, "version"),
        ({"version": "-1"}, "version"),
        ({"version": "1000000001"}, "version"),
        ({"version": "9" * 5000}, "version"),
        ({"version": "0" * 18 + "9" * 40}, "version"),
        ({"version": "1.0"}, "version"),
        ({"version": "\u0661"}, "version"),  # a digit, but not of ASCII
        ({"version": ""}, "version"),
        ({"version": "1,2"}, "version"),  # API Gateway joins a parameter that is repeated
        ({"version": "1; DROP TABLE read_model.order_summary"}, "version"),
        ({"min_version": "0" * 18 + "9" * 40}, "min_version"),
        ({"as_of": "9999-12-31T23:59:59Z"}, "as_of"),
        ({"as_of": "2026-01-01T12:00:01"}, "as_of"),
        ({"as_of": "2026-01-01"}, "as_of"),
        ({"as_of": "2026-01-01 12:00:01Z"}, "as_of"),
        ({"as_of": "2026-01-01T12:00:01 02:00"}, "as_of"),  # a + that was not written as %2B
        ({"as_of": "2026-01-01T12:00Z"}, "as_of"),
        ({"as_of": "2026-02-30T12:00:01Z"}, "as_of"),
        ({"as_of": "2026-01-01T12:00:01+24:00"}, "as_of"),
        ({"as_of": "0001-01-01T00:00:00+14:00"}, "as_of"),
        ({"as_of": "1767268801"}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"as_of": ""}, "as_of"),
        ({"as_of": "2026-01-01T12:00:01Z' OR '1'='1"}, "as_of"),
        ({"consistency": "Strong"}, "consistency"),
        ({"consistency": ""}, "consistency"),
        ({"consistency": "strong,eventual"}, "consistency"),
        ({"consistency": "'; DELETE FROM read_model.gates; --"}, "consistency"),
        ({"version": "1", "as_of": MOMENT}, "as_of"),
        ({"version": "1", "min_version": "1"}, "min_version"),
        ({"as_of": MOMENT, "min_version": "0"}, "min_version"),
        ({"version": "1", "as_of": MOMENT, "min_version": "1"}, "min_version"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_can_not_be_asked_is_named(
    get: Get, keep: Keep, query: dict[str, str], parameter: str
) -> None:
    keep(SENT)
    answer = get(ORDER, 301, query=query)
    assert problem(answer) == (400, "bad-parameter")
    assert body_of(answer)["parameter"] == parameter
    assert parameter in body_of(answer)["detail"]


@pytest.mark.parametrize(
    "query",
    [
        {"consistency": "strong"},
        {"version": "1"},
        {"version": "9"},
        {"as_of": "2026-01-01T12:00:01Z"},
        {"as_of": "2020-01-01T12:00:01Z"},
        {"as_of": "9999-01-01T12:00:01Z"},
    ],
    ids=str,
)
def test_no_way_to_read_tells_a_stranger_that_the_order_exists(
    get: Get, keep: Keep, query: dict[str, str]
) -> None:
    keep(SENT)
    theirs = get(ORDER, 301, subject="bob", query=query)
    assert problem(theirs) == (404, "unknown-order")
    for nothing in ("no-uuid", order_id(399), "' OR true; --"):
        assert get(ORDER, order_id=nothing, query=query) == theirs
