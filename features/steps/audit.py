"""What was stored is changed behind the service's back, and what the audit says of it."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from pytest_bdd import given, parsers, then, when

from bitacora.audit.orders import Orders
from bitacora.audit.readers import directly
from bitacora.audit.store_audit import Report, audit
from bitacora.audit.stream_audit import Clock
from bitacora.audit.until import until
from bitacora.targets import invoke
from features.harness.customers import ORDER
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.harness.targets import Embedded
from reference_service.aws.items import to_item
from reference_service.cqrs.commit import Commit, sealed
from reference_service.schemas import Schemas

FOUND_WITHIN_S = 60
GRACE_S = 300
AMOUNT = ORDER["lines"][0]["unit_price"]["amount"]
Stored = Sequence[Commit]


@when("an amount in a stored event is changed")
def change_amount(kit: Kit, before: Stored) -> None:
    _put(kit, _with_other_amount(before[0]))


@when("somebody else is named as the one who acted")
def change_actor(kit: Kit, before: Stored) -> None:
    _put(kit, msgspec.structs.replace(before[1], actor="mallory"))


@when("a commit in the middle is deleted")
def delete_middle(kit: Kit, before: Stored) -> None:
    _delete(kit, before[1])


@when("the last commit is deleted")
def delete_last(kit: Kit, before: Stored) -> None:
    _delete(kit, before[-1])


@when("the whole stream is deleted")
def delete_all(kit: Kit, before: Stored) -> None:
    for commit in before:
        _delete(kit, commit)


@when("an event is changed and the hashes computed anew")
def rewrite(kit: Kit, before: Stored) -> None:
    """As somebody would who knows how commits are chained."""
    previous: Commit | None = None
    for commit in (_with_other_amount(before[0]), *before[1:]):
        prev = previous.hash if previous else commit.prev
        previous = sealed(msgspec.structs.replace(commit, prev=prev))
        _put(kit, previous)


@given("the heads of all streams are anchored", target_fixture="before")
def anchored(kit: Kit, scene: Scene) -> Iterator[Stored]:
    """By the anchor function, once everything has arrived: what is missing later was taken away.
    What is stored is put back in every case."""
    kit.at_rest(at_most_s=FOUND_WITHIN_S)
    assert invoke(kit.target, "anchor", {})["complete"] is True
    commits = kit.commits(scene.stream)
    yield commits
    _restore(kit, commits)


@when("what was stored is put back")
def put_back(kit: Kit, before: Stored) -> None:
    _restore(kit, before)


@then(parsers.re("the audit finds (?P<kind>[a-z-]+) in its stream"))
def audit_finds(kit: Kit, scene: Scene, kind: str) -> None:
    found = {finding.kind for finding in _audited(kit, scene).findings}
    assert kind in found, found
    kit.witness.struck("what was stored is changed", 1)


@then("the audit of its stream finds nothing any more")
def audit_holds(kit: Kit, scene: Scene) -> None:
    until(
        "an audit without findings",
        lambda: _audited(kit, scene),
        lambda report: report.verdict == "holds",
        at_most_s=FOUND_WITHIN_S,
    )


@then("the relay keeps what was there before")
def evidence(kit: Kit, scene: Scene) -> None:
    s3, bucket = kit.target.client("s3"), kit.outputs["evidence_bucket"]

    def kept() -> list[str]:
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{scene.stream}/"
        )
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    keys = until("evidence of the change", kept, bool, at_most_s=FOUND_WITHIN_S)
    record = json.loads(s3.get_object(Bucket=bucket, Key=keys[0])["Body"].read())
    assert "OldImage" in json.dumps(record), record


def _audited(kit: Kit, scene: Scene) -> Report:
    assert isinstance(kit.target, Embedded)
    clock = Clock(datetime.now(UTC), GRACE_S)
    report = audit(directly(kit.target.stores), Orders(Schemas.load()), clock, stream=scene.stream)
    assert not report.unread, report
    kit.witness.saw("audited commits", report.counts["commits"])
    return report


def _with_other_amount(placed: Commit) -> Commit:
    body = placed.body.replace(f'"amount":{AMOUNT}', f'"amount":{AMOUNT + 1}')
    assert body != placed.body
    return msgspec.structs.replace(placed, body=body)


def _put(kit: Kit, commit: Commit) -> None:
    kit.target.client("dynamodb").put_item(
        TableName=kit.outputs["events_table"], Item=to_item(commit)
    )


def _delete(kit: Kit, commit: Commit) -> None:
    item = to_item(commit)
    key: dict[str, Any] = {name: item[name] for name in ("stream", "commit")}
    kit.target.client("dynamodb").delete_item(TableName=kit.outputs["events_table"], Key=key)


def _restore(kit: Kit, commits: Stored) -> None:
    for commit in commits:
        if commit not in kit.commits(commit.stream):
            _put(kit, commit)


@then("each of its commits names the command that it came from, and who asked for it")
def commits_name_commands(kit: Kit, scene: Scene) -> None:
    commits = kit.commits(scene.stream)
    assert len({commit.command_id for commit in commits}) == len(commits)
    owner = scene.owner.customer_id
    actors = [commit.actor for commit in commits]
    assert actors == [owner] * (len(commits) - 1) + ["bitacora.fulfilment"]
    assert all(commit.causation and commit.correlation for commit in commits)


@then("each public event in the ledger names its commit, and the command that caused it")
def events_name_commands(kit: Kit, scene: Scene) -> None:
    by_number = {commit.commit: commit for commit in kit.commits(scene.stream)}
    told = [event for event in _ledger(kit, scene) if event["subject"] == scene.stream]
    assert {event["type"] for event in told} >= {"OrderPlaced", "OrderConfirmed", "OrderShipped"}
    for event in told:
        stream, number, index = event["id"].split("/")
        commit = by_number[int(number)]
        kinds = [each["type"] for each in json.loads(commit.body)]
        assert (stream, kinds[int(index)]) == (scene.stream, event["type"])
        assert event["causationid"] == commit.command_id
        assert event["correlationid"] == commit.correlation


@then(
    "the shipment names the event that caused it, and the commit that records it names the shipment"
)
def shipment_names_its_cause(kit: Kit, scene: Scene) -> None:
    [dispatched] = [event for event in _ledger(kit, scene) if event["type"] == "ShipmentDispatched"]
    [confirmed] = [event for event in _ledger(kit, scene) if event["type"] == "OrderConfirmed"]
    assert dispatched["causationid"] == confirmed["id"]
    *_, last = kit.commits(scene.stream)
    assert last.causation == dispatched["id"]


@then("all of it carries what identifies the request that it came from")
def correlated(kit: Kit, scene: Scene) -> None:
    commits = kit.commits(scene.stream)
    confirming = commits[-2]
    after = [
        event["correlationid"]
        for event in _ledger(kit, scene)
        if event["type"] in ("OrderConfirmed", "ShipmentDispatched", "OrderShipped")
    ]
    assert {*after, commits[-1].correlation} == {confirming.correlation}
    assert [commit.correlation for commit in commits[:-1]] == [
        commit.command_id for commit in commits[:-1]
    ]


def _ledger(kit: Kit, scene: Scene) -> list[dict[str, Any]]:
    """Every public event about this order, once the last one is there."""
    s3, bucket = kit.target.client("s3"), kit.outputs["ledger_bucket"]
    prefixes = (f"events/{scene.stream}/", f"events/shipment-{scene.order_id}/")

    def read() -> list[dict[str, Any]]:
        found = []
        for prefix in prefixes:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                for each in page.get("Contents", ()):
                    content = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
                    found.append(json.loads(content))
        return found

    wanted = {"OrderShipped", "ShipmentDispatched"}
    events = until(
        "the whole life of the order is in the ledger",
        read,
        lambda told: wanted <= {event["type"] for event in told},
        at_most_s=FOUND_WITHIN_S,
    )
    kit.witness.saw("public events", len(events))
    return events
