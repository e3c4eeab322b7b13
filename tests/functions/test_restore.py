"""The drill of docs/restore.md: a backup of the event store is restored, and what comes then."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bitacora.audit.orders import Orders
from bitacora.audit.paging import PagedStores
from bitacora.audit.reading import NAMES, CloudStores
from bitacora.audit.store_audit import audit
from bitacora.audit.stream_audit import Clock
from bitacora.recovery.recover import of_log, recover
from reference_service.aws.audit_views import AuditViews
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.commit import Commit
from reference_service.order.events import OrderCancelled
from reference_service.schemas import Schemas
from reference_service.tables import EVENTS, ORDER_STATUS, PARKED, SHIPMENTS
from tests.aws.orders import CONFIRMED, PLACED, order_commits
from tests.functions.stage import (
    VALUES,
    Stage,
    failures,
    heard,
    log_event,
    queue_event,
    stream_event,
)
from tests.order.ana import CANCELLED

KEPT = order_commits(801, CONFIRMED[:1], CONFIRMED[1:])
# Placed before the backup, cancelled after it; and then once more, for nobody remembers that. Both
# cancellations are told as event 2/0 of the order.
CHANGED = order_commits(802, [PLACED], CANCELLED[1:])
OTHERWISE = order_commits(802, [PLACED], [OrderCancelled(reason="too_late")])
NEW = order_commits(803, [PLACED])
CHANGED_STREAM, NEW_STREAM = CHANGED[0].stream, NEW[0].stream
LOST = {(CHANGED_STREAM, 2), (NEW_STREAM, 1)}


@dataclass
class Drill:
    """A service of its own: an event store, and all that follows from it."""

    stage: Stage
    deployed: dict[str, Any] = field(default_factory=dict)

    def function(self, name: str) -> Any:
        if name not in self.deployed:
            self.deployed[name] = self.stage.function(name)
        return self.deployed[name]

    @property
    def store(self) -> DynamoDBEventStore:
        return DynamoDBEventStore(self.stage.client("dynamodb"), VALUES["EVENTS_TABLE"])

    def commit(self, commits: Sequence[Commit]) -> None:
        """Appended, on the log, in the read model, published and in the ledger."""
        for commit in commits:
            self.store.append(commit)
        self.deliver(commits)

    def deliver(self, commits: Sequence[Commit]) -> None:
        function = self.function
        assert failures(function("relay").handler(stream_event(commits), None)) == []
        self.project(commits)
        assert failures(function("publisher").handler(stream_event(commits), None)) == []
        told = heard(self.stage.emulator, expected=len(commits))
        assert len(told) == len(commits)
        assert failures(function("ledger").handler(queue_event(*told), None)) == []

    def project(self, commits: Sequence[Commit]) -> None:
        for projector in ("projector", "status_projector"):
            assert failures(self.function(projector).handler(log_event(commits), None)) == []

    def parked(self) -> dict[tuple[str, str], str]:
        """Why, by consumer and stream."""
        found, answer = dict[tuple[str, str], str](), {"cursor": None}
        while True:
            answer = self.ask(operation="parked", cursor=answer["cursor"])
            found |= {(one["consumer"], one["stream"]): one["reason"] for one in answer["parked"]}
            if answer["cursor"] is None:
                return found

    def ask(self, **event: Any) -> Any:
        return self.function("operations").handler(event, None)

    def findings(self) -> set[tuple[str, int | None, str]]:
        """What the audit finds, without a grace time."""
        assert self.stage.read_side
        source = PagedStores(
            CloudStores(
                dynamodb=self.stage.client("dynamodb"),
                s3=self.stage.client("s3"),
                **{name: VALUES[name.upper()] for name in NAMES},
            ),
            AuditViews(self.stage.read_side.database("operations")),
        )
        report = audit(source, Orders(Schemas.load()), Clock(datetime.now(UTC), 0))
        assert not report.unread
        # The drill's own bucket for anchors is empty and not locked.
        return {(one.stream, one.commit, one.kind) for one in report.findings if one.stream}

    def back_up(self) -> str:
        answer = self.stage.client("dynamodb").create_backup(
            TableName=VALUES["EVENTS_TABLE"], BackupName="drill"
        )
        return str(answer["BackupDetails"]["BackupArn"])

    def restore(self, backup: str) -> None:
        """A new table, of another name here; the functions are deployed with it."""
        restored = f"restored-{uuid.uuid4().hex}"
        self.stage.client("dynamodb").restore_table_from_backup(
            TargetTableName=restored, BackupArn=backup
        )
        self.stage.monkeypatch.setitem(VALUES, "EVENTS_TABLE", restored)
        self.deployed.clear()


@pytest.fixture
def drill(stage_with_database: Stage) -> Drill:
    stage, own = stage_with_database, uuid.uuid4().hex
    tables = {
        "EVENTS_TABLE": EVENTS,
        "SHIPMENTS_TABLE": SHIPMENTS,
        "PARKED_TABLE": PARKED,
        "ORDER_STATUS_TABLE": ORDER_STATUS,
    }
    for variable, layout in tables.items():
        streamed = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        stage.emulator.create_table(
            f"{variable.lower()}-{own}",
            layout,
            **({"StreamSpecification": streamed} if layout is EVENTS else {}),
        )
        stage.monkeypatch.setitem(VALUES, variable, f"{variable.lower()}-{own}")
    for variable in ("LEDGER_BUCKET", "ANCHORS_BUCKET"):
        name = f"{variable.lower().replace('_', '-')}-{own}"
        stage.client("s3").create_bucket(Bucket=name)
        stage.monkeypatch.setitem(VALUES, variable, name)
    stage.client("kinesis").create_stream(StreamName=f"log-{own}", ShardCount=1)
    stage.monkeypatch.setitem(VALUES, "LOG_STREAM", f"log-{own}")
    return Drill(stage)


@pytest.fixture
def restored(drill: Drill) -> Drill:
    """After a backup an order was cancelled and one was placed; then the table was lost."""
    drill.commit(KEPT[:1])
    drill.commit(KEPT[1:])
    drill.commit(CHANGED[:1])
    backup = drill.back_up()
    drill.commit(CHANGED[1:])
    drill.commit(NEW)
    assert drill.findings() == set()
    drill.restore(backup)
    return drill


def test_a_restored_table_has_no_stream(restored: Drill) -> None:
    dynamodb = restored.stage.client("dynamodb")
    table = dynamodb.describe_table(TableName=VALUES["EVENTS_TABLE"])["Table"]
    assert "LatestStreamArn" not in table


def test_the_audit_names_every_commit_that_is_lost(restored: Drill) -> None:
    assert restored.findings() == {
        (stream, commit, kind) for stream, commit in LOST for kind in ("ahead", "invented-event")
    }


def test_what_the_log_still_has_heals_everything(restored: Drill) -> None:
    done = recover(
        restored.store,
        lambda: of_log(restored.stage.client("kinesis"), VALUES["LOG_STREAM"], None),
        lambda _: None,
        dry_run=False,
    )
    assert (done.lost, done.appended, done.complete) == (2, 2, True)
    assert restored.findings() == set()
    # The new table's stream tells of them once more.
    restored.deliver([CHANGED[1]])
    assert restored.findings() == set()


def test_without_the_log_the_gate_stops_every_lost_history(restored: Drill) -> None:
    """The order is cancelled once more; nobody takes that for the commit that was there."""
    restored.store.append(OTHERWISE[1])
    restored.project(OTHERWISE[1:])
    assert restored.parked() == {
        (read_model, CHANGED_STREAM): "commit 2 is of another history"
        for read_model in ("orders", "order_status")
    }
    healed = restored.ask(operation="repair", stream=NEW_STREAM)
    assert healed["parked"].keys() == {"orders", "order_status"}
    assert "lacks commit 1" in healed["parked"]["orders"]
    assert {kind for stream, _, kind in restored.findings() if stream == CHANGED_STREAM} >= {
        "fork",
        "parked",
        "altered-event",
    }


def test_a_rebuild_shows_what_is_left_and_the_ledger_what_others_heard(restored: Drill) -> None:
    restored.store.append(OTHERWISE[1])
    restored.project(OTHERWISE[1:])
    rebuilt = restored.ask(operation="rebuild", action="begin")["rebuild"]
    for _ in range(10):
        if rebuilt["phase"] == "live":
            break
        rebuilt = restored.ask(operation="rebuild", action="go-on")["rebuild"]
    try:
        assert rebuilt["phase"] == "live"
        assert {one["stream"] for one in rebuilt["differences"]} == {CHANGED_STREAM, NEW_STREAM}
        assert {one["wrong"] for one in rebuilt["differences"]} == {"live"}
        forget_statuses(restored, CHANGED_STREAM, NEW_STREAM)
        assert restored.parked() == {}
        kinds = {(stream, kind) for stream, _, kind in restored.findings()}
        assert kinds == {(CHANGED_STREAM, "altered-event"), (NEW_STREAM, "invented-event")}
    finally:
        restored.ask(operation="rebuild", action="drop-old")


def forget_statuses(drill: Drill, *streams: str) -> None:
    """A status is one item, which a repair makes anew."""
    for stream in streams:
        drill.stage.client("dynamodb").delete_item(
            TableName=VALUES["ORDER_STATUS_TABLE"], Key={"stream": {"S": stream}}
        )
        assert drill.ask(operation="repair", stream=stream)["parked"] == {}
