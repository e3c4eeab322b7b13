"""A stream that lost its records: the event store shows and tells what was in them."""

from typing import Any

import pytest

from reference_service.cqrs.commit import Commit
from tests.aws.orders import CONFIRMED, order_commits
from tests.functions.stage import Keep, Project, Stage, heard
from tests.functions.test_operations import shown

# Of no other test's commits.
SINCE, LATER = "2030-01-01T00:00:00+00:00", "2030-01-01T12:00:00.000Z"


def lost(keep: Keep, number: int) -> list[Commit]:
    commits = order_commits(number, CONFIRMED[:1], CONFIRMED[1:], at=LATER)
    keep(commits)
    return commits


def resync(stage: Stage, **options: Any) -> list[dict[str, Any]]:
    """Every slice until the last."""
    function = stage.function("operations")
    event = {"operation": "resync", "since": SINCE, "cursor": None, **options}
    slices = [function.handler(event, None)]
    while slices[-1].get("cursor"):
        event["cursor"] = slices[-1]["cursor"]
        slices.append(function.handler(event, None))
    return slices


def test_what_neither_way_was_told_arrives(
    stage_with_database: Stage,
    keep: Keep,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    streams = [lost(keep, number) for number in (941, 942, 943)]
    project(streams[0][:1])
    [counted] = resync(stage_with_database, dry_run=True)
    assert (counted["concerned"], counted["behind"], counted["published"]) == (3, 3, 0)
    assert shown(stage_with_database, 942) is None

    monkeypatch.setattr("reference_service.functions.resyncing.SLICE_S", 0.0)
    slices = resync(stage_with_database)
    assert len(slices) >= len(streams)
    assert sum(one["concerned"] for one in slices) == 3
    assert [one["parked"] for one in slices if one["parked"]] == []
    assert [shown(stage_with_database, number) for number in (941, 942, 943)] == [3, 3, 3]
    assert {event["id"] for event in heard(stage_with_database.emulator, expected=6)} == {
        f"{commits[0].stream}/{place}" for commits in streams for place in ("1/0", "2/1")
    }


@pytest.mark.parametrize(
    "options",
    [{"since": "yesterday"}, {"since": "2030-01-01T00:00:00"}, {"cursor": "no cursor"}],
)
def test_bad_input_is_told(stage_with_database: Stage, options: dict[str, str]) -> None:
    [answer] = resync(stage_with_database, **options)
    assert next(iter(options.values())) in answer["error"]
