from collections.abc import Sequence
from typing import Any

import pytest

from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.commit import Commit
from tests.aws.orders import order_id
from tests.database import ReadSide
from tests.emulator import Emulator
from tests.functions.stage import (
    VALUES,
    Get,
    Keep,
    Project,
    Stage,
    failures,
    forget_heard,
    forget_parked,
    http,
    log_event,
    prepare,
)
from tests.order.ana import ANA


@pytest.fixture(scope="session")
def _prepared(emulator: Emulator) -> Emulator:
    prepare(emulator)
    return emulator


@pytest.fixture
def stage(_prepared: Emulator, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Nothing is parked or waits to be heard; what earlier tests stored stays, under other ids."""
    forget_parked(_prepared)
    forget_heard(_prepared)
    return Stage(_prepared, monkeypatch)


@pytest.fixture
def stage_with_database(stage: Stage, read_side: ReadSide) -> Stage:
    stage.read_side = read_side
    return stage


@pytest.fixture
def get(stage_with_database: Stage) -> Get:
    """Ask the query function, as Ana unless `subject` says otherwise."""
    query = stage_with_database.function("query")
    query.WAIT_S = 0.2

    def read(route: str, number: int | None = None, **options: Any) -> dict[str, Any]:
        options.setdefault("subject", ANA)
        if number is not None:
            options["order_id"] = order_id(number)
        answer: dict[str, Any] = query.handler(http(route, **options), None)
        return answer

    return read


@pytest.fixture
def keep(stage: Stage) -> Keep:
    """Append commits to the event store."""
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])

    def append(commits: Sequence[Commit]) -> None:
        for commit in commits:
            store.append(commit)

    return append


@pytest.fixture
def project(stage_with_database: Stage) -> Project:
    """Deliver commits to the projector."""
    projector = stage_with_database.function("projector")

    def deliver(*entries: Sequence[Commit]) -> None:
        assert failures(projector.handler(log_event(*entries), None)) == []

    return deliver
