"""What has arrived in the read model, the ledger and at fulfilment."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from pytest_bdd import given, parsers, then

from bitacora.audit.consistency import Inconsistency, inconsistencies
from bitacora.audit.observation import ORDER, Observation
from bitacora.audit.reading import public_types
from bitacora.audit.until import NotInTime, until
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.harness.targets import Embedded

# A queue keeps a message whose delivery failed back for minutes: six times its consumer's timeout.
ARRIVED_WITHIN_S = 300
# Asking every queue and mapping is work for others: not before most waits are over.
SOON_S = 10
AT_REST_S = 20


def orders(kit: Kit) -> Observation:
    """Without the heartbeats, which go on."""
    return kit.observe().of(lambda stream: stream.startswith(ORDER))


def agreed(kit: Kit, scene: Scene, where: Collection[str], at_most_s: float) -> None:
    """Wait until these stores say of the scenario's orders what the event store says, or until
    waiting cannot help: something is wrong for good, or nothing has been under way for long."""
    resting = _Resting(kit, asked_from=time.monotonic() + SOON_S)

    def differences() -> list[Inconsistency]:
        seen = kit.observe(ledger="ledger" in where).of(scene.streams.__contains__)
        return [each for each in inconsistencies(seen, public_types()) if each.where in where]

    try:
        found = until(
            "the stores agree",
            differences,
            lambda found: (
                not found or any(each.is_final for each in found) or resting.long_enough()
            ),
            at_most_s=at_most_s,
        )
    except NotInTime as late:
        raise AssertionError(f"{late}; still under way: {kit.under_way()}") from late
    assert not found, found


@dataclass
class _Resting:
    kit: Kit
    asked_from: float
    since: float | None = None

    def long_enough(self) -> bool:
        """Nothing was under way in any look of the last AT_REST_S; unknown where shards are not
        told of."""
        if time.monotonic() < self.asked_from:
            return False
        if not isinstance(self.kit.target, Embedded) or self.kit.under_way():
            self.since = None
            return False
        self.since = self.since or time.monotonic()
        return time.monotonic() - self.since > AT_REST_S


@then(
    parsers.parse("within {seconds:d} seconds every accepted command is visible in the read model")
)
def all_visible(kit: Kit, scene: Scene, seconds: int) -> None:
    commits = kit.observe(ledger=False).commits
    told = [
        (f"order-{a.body['order_id']}", a.body["commit"], a.body["version"]) for a in scene.accepted
    ]
    stored = {
        (stream, commit.commit, commit.version)
        for stream in scene.streams
        for commit in commits.get(stream, ())
    }
    assert set(told) <= stored
    assert len(set(told)) == len(told)
    agreed(kit, scene, ("read model",), seconds)


@then("every public event is in the ledger once")
def all_in_ledger(kit: Kit, scene: Scene) -> None:
    agreed(kit, scene, ("ledger",), ARRIVED_WITHIN_S)


@then("every confirmed order is shipped")
def all_shipped(kit: Kit, scene: Scene) -> None:
    agreed(kit, scene, ("read model", "ledger", "fulfilment", "event store"), ARRIVED_WITHIN_S)


@given("everything has arrived downstream")
def everything_arrived(kit: Kit, scene: Scene) -> None:
    all_shipped(kit, scene)
    kit.at_rest(at_most_s=ARRIVED_WITHIN_S)
    scene.before = orders(kit)


@then("the event store, the read model, the shipments and the ledger are what they were")
def nothing_changed(kit: Kit, scene: Scene) -> None:
    kit.at_rest(at_most_s=ARRIVED_WITHIN_S)
    before, after = scene.before, orders(kit)
    assert before
    assert before.commits
    assert after.commits == before.commits
    assert (after.rows, after.gates, after.parked) == (before.rows, before.gates, before.parked)
    assert after.shipments == before.shipments
    assert after.ledger == before.ledger
