"""The heartbeat on its whole way, and what a read says of its lag by it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.heartbeat import Heart, days
from reference_service.cqrs.memory import InMemoryEventStore
from tests.aws.orders import CONFIRMED, order_commits
from tests.functions.stage import (
    HISTORY,
    LIST,
    ORDER,
    SUMMARY,
    VALUES,
    Get,
    Keep,
    Project,
    Stage,
    failures,
    heard,
    http,
    log_event,
    stream_event,
)
from tests.order.ana import ANA

PLACED = order_commits(801, CONFIRMED)


def beats(*ago_s: float, shards: int = 1) -> list[Commit]:
    """Heartbeats of so many seconds ago; those of each shard after one another."""
    store = InMemoryEventStore()
    commits = []
    for passed_s in ago_s:
        moment = datetime.now(UTC) - timedelta(seconds=passed_s)
        ids = iter(f"{passed_s}-{n}" for n in range(shards))
        commits += Heart(store, shards, lambda at=moment: at, ids.__next__).beat()
    return commits


def lag(answer: dict[str, Any]) -> str:
    assert answer["statusCode"] in (200, 304), answer
    return str(answer["headers"]["read-model-lag"])


def metrics(printed: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if "HeartbeatLag_ms" in line]


def test_a_beat_goes_the_whole_way(
    stage_with_database: Stage, get: Get, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = stage_with_database
    stage.function("heartbeat").handler({}, None)
    (stream,) = days(1, datetime.now(UTC).date()).today
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    beat = store.load(stream)[-1]
    assert failures(stage.function("relay").handler(stream_event([beat]), None)) == []
    assert failures(stage.function("publisher").handler(stream_event([beat]), None)) == []
    assert heard(stage.emulator, 0) == []
    assert lag(get(SUMMARY)) == "unknown"
    capsys.readouterr()
    assert failures(stage.function("projector").handler(log_event([beat]), None)) == []
    (metric,) = metrics(capsys.readouterr().out)
    assert (metric["Shard"], metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == (
        "0",
        [["Function", "Shard"]],
    )
    assert 0 <= metric["HeartbeatLag_ms"] < 60_000
    assert int(lag(get(SUMMARY))) <= 60


def test_the_next_beat_of_another_function_goes_on_in_the_stream(stage: Stage) -> None:
    (stream,) = days(1, datetime.now(UTC).date()).today
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    before = len(store.load(stream))
    for _ in range(2):
        stage.function("heartbeat").handler({}, None)
    assert [commit.commit for commit in store.load(stream)][before:] == [before + 1, before + 2]


def test_every_eventual_answer_tells_its_lag(get: Get, keep: Keep, project: Project) -> None:
    keep(PLACED)
    project(PLACED, *([beat] for beat in beats(90)))
    answers = [
        get(ORDER, 801),
        get(ORDER, 801, query={"min_version": "1"}),
        get(ORDER, 801, **{"if-none-match": '"3"'}),
        *(get(route, subject=who) for route in (LIST, SUMMARY) for who in (ANA, "nobody")),
    ]
    for answer in answers:
        assert 90 <= int(lag(answer)) < 110
    for query in ({"consistency": "strong"}, {"version": "1"}, {"as_of": PLACED[0].at}):
        assert "read-model-lag" not in get(ORDER, 801, query=query)["headers"]
    assert "read-model-lag" not in get(HISTORY, 801)["headers"]


def test_without_a_heartbeat_the_lag_is_unknown_and_not_nothing(get: Get, project: Project) -> None:
    project(PLACED)
    assert [lag(get(ORDER, 801)), lag(get(LIST)), lag(get(SUMMARY))] == ["unknown"] * 3


def test_silence_is_not_taken_for_health(get: Get, project: Project) -> None:
    """Orders that come through do not make up for a heartbeat that does not."""
    project([beats(600)[0]], PLACED)
    assert int(lag(get(LIST))) >= 600


def test_after_midnight_the_heartbeat_of_the_day_before_counts_and_later_none(
    get: Get, project: Project
) -> None:
    now = datetime.now(UTC)
    since_midnight = (now - now.replace(hour=0, minute=0, second=0)).total_seconds()
    project([beats(since_midnight + 2 * 86_400)[0]])
    assert lag(get(LIST)) == "unknown"
    project([beats(since_midnight + 60)[0]])
    assert since_midnight + 60 <= int(lag(get(LIST))) < since_midnight + 80


def test_the_shard_that_lags_most_is_told(stage_with_database: Stage, project: Project) -> None:
    stage_with_database.monkeypatch.setitem(VALUES, "LOG_SHARDS", "3")
    query = stage_with_database.function("query")

    def read() -> str:
        return lag(query.handler(http(LIST, subject=ANA), None))

    first, second, third, *fresh = beats(300, 10, shards=3)
    project([first], [second])
    assert read() == "unknown", "nothing is known of a shard that was never heard of"
    project([third])
    assert 300 <= int(read()) < 320
    project([fresh[0]], [fresh[1]])
    assert 300 <= int(read()) < 320
    project([fresh[2]])
    assert 10 <= int(read()) < 30


def test_a_clock_that_is_ahead_does_not_make_the_lag_negative(get: Get, project: Project) -> None:
    project([beats(-30)[0]])
    assert lag(get(LIST)) == "0"


def test_a_repeat_is_no_fresh_heartbeat(
    stage_with_database: Stage, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    commits: Sequence[Commit] = beats(120, 60)
    project([commits[0]], [commits[1]])
    told = [metric["HeartbeatLag_ms"] for metric in metrics(capsys.readouterr().out)]
    assert 60_000 <= min(told) < 80_000
    project([commits[0]], [commits[1]])
    assert metrics(capsys.readouterr().out) == []
