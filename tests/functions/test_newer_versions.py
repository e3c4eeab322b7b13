"""A version newer than this deployment knows waits, parked, for the first one that knows it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.dynamodb_read_model import DynamoDBReadModel
from reference_service.aws.eventbridge_bus import EventBridgeBus
from reference_service.aws.parked_markers import DynamoDBParkedMarkers
from reference_service.bootstrap import (
    Operations,
    project_order,
    project_status,
    public_events,
)
from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.projection import Projector
from reference_service.cqrs.publish import Publisher
from reference_service.order.codec import OrderCodec
from reference_service.order.events import VERSIONS
from reference_service.order.status import OrderStatus
from reference_service.public_writer import PublicWriter
from tests.aws.orders import PLACED, order_commits, order_id
from tests.contracts.tomorrow import cancelled_tomorrow, tomorrow
from tests.functions.stage import VALUES, Stage, failures, heard, log_event, stream_event

KNOWN = VERSIONS["OrderCancelled"]
INVALID = {"type": "OrderCancelled", "v": 1, "data": {"reason": "because"}}
NEWER = f"OrderCancelled has version {KNOWN + 1}; here {KNOWN} is the newest"


def cancelled_by(number: int, entry: dict[str, Any]) -> list[Commit]:
    """A placed order, and the commit of another deployment that cancelled it."""
    (placed,) = order_commits(number, [PLACED])
    cause = Cause(command_id="c", fingerprint="f", actor="a", causation="r", correlation="x")
    cancelled = following(
        placed,
        stream=placed.stream,
        cause=cause,
        body=msgspec.json.encode([entry]).decode(),
        count=1,
        at=placed.at,
        commit_id=f"{placed.stream}-2",
    )
    return [placed, cancelled]


def append_and_deliver(stage: Stage, commits: Sequence[Commit]) -> None:
    """To the event store, and from there to the projectors and the publisher of today."""
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    for commit in commits:
        store.append(commit)
    for projector in ("projector", "status_projector"):
        assert failures(stage.function(projector).handler(log_event(commits), None)) == []
    assert failures(stage.function("publisher").handler(stream_event(commits), None)) == []


def markers(stage: Stage) -> DynamoDBParkedMarkers:
    return DynamoDBParkedMarkers(stage.client("dynamodb"), VALUES["PARKED_TABLE"])


def order_status(stage: Stage) -> DynamoDBReadModel:
    return DynamoDBReadModel(stage.client("dynamodb"), VALUES["ORDER_STATUS_TABLE"], OrderStatus)


def parked(stage: Stage, stream: str) -> list[str]:
    """Where the stream is parked."""
    assert stage.read_side
    with stage.read_side.connect() as admin:
        rows = admin.execute(
            "SELECT reason FROM read_model.parked WHERE stream = %s", [stream]
        ).fetchall()
    places = [f"read model: {reason}" for (reason,) in rows]
    status = order_status(stage).positions([stream])[stream]
    places += [f"status: {status.parked}"] if status.parked else []
    item = stage.client("dynamodb").get_item(
        TableName=VALUES["PARKED_TABLE"],
        Key={"consumer": {"S": "publisher"}, "stream": {"S": stream}},
        ConsistentRead=True,
    )
    return places + ([f"publisher: {item['Item']['reason']['S']}"] if "Item" in item else [])


def status(stage: Stage, number: int) -> str:
    assert stage.read_side
    with stage.read_side.connect() as admin:
        [(shown,)] = admin.execute(
            "SELECT status FROM read_model.order_summary WHERE order_id = %s", [order_id(number)]
        ).fetchall()
    return str(shown)


def deploy_tomorrow(stage: Stage, operations: Any, folder: Path) -> None:
    """The operations of a deployment that knows the next OrderCancelled, over the same stores."""
    schemas = tomorrow(folder, "events/internal/order_cancelled")
    codec = OrderCodec(schemas, versions=VERSIONS | {"OrderCancelled": KNOWN + 1})
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    bus = EventBridgeBus(stage.client("events"), VALUES["BUS_NAME"])
    policy = public_events(schemas, codec, PublicWriter(schemas))
    today: Operations = operations.operations
    projections = {
        v: (layout, project_order(codec)) for v, layout in today.read_side.layouts.items()
    }
    side = replace(today.read_side, projections=projections)
    status = Projector(store, order_status(stage), project_status(codec))
    operations.operations = replace(
        today,
        read_side=side,
        read_models={"order_status": lambda: status, "orders": side.projector},
        publisher=Publisher(store, bus, markers(stage), policy),
    )


def test_the_first_deployment_that_knows_it_repairs(
    stage_with_database: Stage, tmp_path: Path
) -> None:
    stage = stage_with_database
    commits = cancelled_by(951, cancelled_tomorrow())
    stream = commits[0].stream
    append_and_deliver(stage, commits)
    told = [event["id"] for event in heard(stage.emulator, expected=1)]
    assert told == [f"{stream}/1/0"]
    where = parked(stage, stream)
    assert [place.partition(":")[0] for place in where] == ["read model", "status", "publisher"]
    assert all(NEWER in place for place in where)

    operations = stage.function("operations")
    answer = operations.handler({"operation": "reconcile"}, None)
    assert stream not in [one["stream"] for one in answer["republished"]]
    assert parked(stage, stream) == where

    deploy_tomorrow(stage, operations, tmp_path / "contracts")
    answer = operations.handler({"operation": "reconcile"}, None)
    assert parked(stage, stream) == []
    assert status(stage, 951) == "cancelled"
    assert stream in [one["stream"] for one in answer["republished"]]
    published = heard(stage.emulator, expected=2)
    assert sorted((event["id"], event["type"]) for event in published) == [
        (f"{stream}/1/0", "OrderPlaced"),
        (f"{stream}/2/0", "OrderCancelled"),
    ]


def test_a_version_that_today_can_read_is_not_parked(stage_with_database: Stage) -> None:
    commits = cancelled_by(952, cancelled_tomorrow(r=1))
    append_and_deliver(stage_with_database, commits)
    assert parked(stage_with_database, commits[0].stream) == []
    assert status(stage_with_database, 952) == "cancelled"
    assert len(heard(stage_with_database.emulator, expected=2)) == 2


def test_an_invalid_event_parks_its_stream_and_is_kept(stage_with_database: Stage) -> None:
    stage = stage_with_database
    commits = cancelled_by(953, INVALID)
    append_and_deliver(stage, commits)
    where = parked(stage, commits[0].stream)
    assert [place.partition(":")[0] for place in where] == ["read model", "status", "publisher"]
    assert all("/reason must be one of" in place for place in where)
    store = DynamoDBEventStore(stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
    assert store.load(commits[0].stream) == commits
    assert status(stage, 953) == "placed"
    assert len(heard(stage.emulator, expected=1)) == 1
