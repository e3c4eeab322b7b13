"""An order as it was: told from its events by plain reckoning, not by the service's own fold."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from pytest_bdd import given, then

from bitacora.audit.until import until
from features.harness.customers import TOTAL, payment, placement
from features.harness.kit import Kit
from features.harness.scene import Scene
from reference_service.cqrs.commit import Commit, timestamp

SHIPPED_WITHIN_S = 60
STATUSES = {
    "OrderPlaced": "placed",
    "OrderConfirmed": "confirmed",
    "OrderShipped": "shipped",
    "OrderCancelled": "cancelled",
}
MOMENT = timedelta(milliseconds=1)
Told = dict[str, Any]


@given("an order that was paid in parts, confirmed and shipped")
def shipped_order(kit: Kit, scene: Scene) -> None:
    scene.customer = owner = kit.new_customer()
    placed = owner.get_through(placement())
    assert placed.status == 201, placed
    scene.order_id = placed.body["order_id"]
    scene.streams = {scene.stream}
    for amount in (1, TOTAL - 1):
        paid = owner.get_through(payment(scene.order_id, amount))
        assert paid.status == 200, paid
    shown_as_shipped(scene)


def shown_as_shipped(scene: Scene) -> None:
    """Wait until every read model shows it so."""
    for where in ("", "/status"):
        until(
            f"the order is shipped, at {where or '/'}",
            lambda where=where: scene.owner.read(f"/orders/{scene.order_id}{where}"),  # type: ignore[misc]
            lambda answer: answer.body.get("status") == "shipped",
            at_most_s=SHIPPED_WITHIN_S,
        )


@then("at each of its versions it is shown as its events say up to there")
def at_versions(kit: Kit, scene: Scene) -> None:
    events = _events(kit.commits(scene.stream))
    for version in range(1, len(events) + 1):
        answer = scene.owner.read(f"/orders/{scene.order_id}?version={version}")
        assert answer.status == 200, answer
        _refuse_difference(answer.body, events[:version])
    kit.witness.saw("versions of the past", len(events))


@then("at each moment at, before and after its commits it is shown as its events say up to there")
def at_moments(kit: Kit, scene: Scene) -> None:
    commits = kit.commits(scene.stream)
    for commit in commits:
        for moment in (_moment(commit) - MOMENT, _moment(commit), _moment(commit) + MOMENT):
            until_then = [one for one in commits if _moment(one) <= moment]
            if not until_then:
                continue
            answer = scene.owner.read(_as_of(scene, moment))
            assert answer.status == 200, (moment, answer)
            _refuse_difference(answer.body, _events(until_then))
    kit.witness.saw("moments of the past", 3 * len(commits))


@then("before its first event and at versions to come there is nothing to show")
def nothing_there(kit: Kit, scene: Scene) -> None:
    commits = kit.commits(scene.stream)
    before = scene.owner.read(_as_of(scene, _moment(commits[0]) - MOMENT))
    later = scene.owner.read(f"/orders/{scene.order_id}?version={commits[-1].version + 1}")
    told = [(answer.status, answer.problem) for answer in (before, later)]
    kind = "urn:bitacora:problem:"
    assert told == [(404, f"{kind}before-placement"), (404, f"{kind}no-such-version")]


def _as_of(scene: Scene, moment: datetime) -> str:
    return f"/orders/{scene.order_id}?as_of={quote(timestamp(moment))}"


def _moment(commit: Commit) -> datetime:
    return datetime.fromisoformat(commit.at)


def _events(commits: list[Commit]) -> list[Told]:
    """Each with the moment of its commit."""
    return [{**each, "at": one.at} for one in commits for each in json.loads(one.body)]


def _refuse_difference(shown: Told, events: list[Told]) -> None:
    types = [each["type"] for each in events]
    payments = [each["data"]["amount"] for each in events if each["type"] == "PaymentReceived"]
    expected = {
        "version": len(events),
        "status": [STATUSES[kind] for kind in types if kind in STATUSES][-1],
        "paid": sum(each["amount"] for each in payments),
        "total": TOTAL,
        "placed_at": events[0]["at"],
        "updated_at": events[-1]["at"],
    }
    assert {name: shown.get(name) for name in expected} == expected
