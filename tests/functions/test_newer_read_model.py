"""A read model of newer code: who meets it says so, and waits for a deployment that knows it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.aws.orders import CONFIRMED, order_commits, order_id
from tests.functions.stage import (
    HISTORY,
    LIST,
    ORDER,
    SUMMARY,
    Get,
    Keep,
    Project,
    Stage,
    body_of,
    failures,
    log_event,
    problem,
)

COMMITS = order_commits(701, CONFIRMED[:1], CONFIRMED[1:])


@contextmanager
def version_99(stage: Stage) -> Iterator[None]:
    """The live generation is of that version."""
    assert stage.read_side
    live = stage.read_side.live()
    set_version = "UPDATE read_model.generation SET version = %s WHERE name = %s"
    with stage.read_side.connect() as admin:
        admin.execute(set_version, [99, live.name])
        try:
            yield
        finally:
            admin.execute(set_version, [live.layout.version, live.name])


@pytest.fixture
def newer(stage_with_database: Stage) -> Iterator[None]:
    with version_99(stage_with_database):
        yield


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize(
    ("route", "query"),
    [(ORDER, {}), (ORDER, {"min_version": "1"}), (LIST, {}), (SUMMARY, {})]
    + [(route, {"after": f"{order_id(701)}:1"}) for route in (LIST, SUMMARY)],
    ids=str,
)
def test_a_query_says_that_the_deployment_is_too_old(
    get: Get, keep: Keep, route: str, query: dict[str, str]
) -> None:
    keep(COMMITS)
    answer = get(route, 701 if route == ORDER else None, query=query)
    assert problem(answer) == (503, "read-model-unknown")
    assert int(answer["headers"]["retry-after"]) > 0
    assert "newer deployment" in body_of(answer)["detail"]


@pytest.mark.usefixtures("newer")
def test_what_does_not_need_the_read_model_is_answered(get: Get, keep: Keep) -> None:
    keep(COMMITS)
    for query in ({"consistency": "strong"}, {"version": "1"}, {"as_of": COMMITS[0].at}):
        assert get(ORDER, 701, query=query)["statusCode"] == 200
    assert get(HISTORY, 701)["statusCode"] == 200


def test_the_projector_gives_everything_back_and_nothing_is_lost(
    stage_with_database: Stage, get: Get, keep: Keep, project: Project
) -> None:
    keep(COMMITS)
    project(COMMITS[:1])
    batch = log_event(COMMITS, order_commits(702, CONFIRMED))
    numbers = [record["kinesis"]["sequenceNumber"] for record in batch["Records"]]
    with version_99(stage_with_database):
        projector = stage_with_database.function("projector")
        assert failures(projector.handler(batch, None)) == numbers
    assert failures(projector.handler(batch, None)) == []
    shown = [body_of(get(ORDER, number)) for number in (701, 702)]
    assert [(order["version"], "parked" in order) for order in shown] == [(3, False)] * 2
