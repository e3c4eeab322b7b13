"""What has arrived in the read model, the ledger and at fulfilment."""

from pytest_bdd import given, parsers, then

from bitacora.audit.consistency import Inconsistency, inconsistencies
from bitacora.audit.reading import public_types
from bitacora.audit.until import until
from features.kit import Kit
from features.scene import Scene

ARRIVED_WITHIN_S = 20


def differences(kit: Kit, scene: Scene) -> list[Inconsistency]:
    """Between the event store and everything else, in the scenario's orders."""
    return inconsistencies(kit.observe().of(scene.streams.__contains__), public_types())


@then(
    parsers.parse("within {seconds:d} seconds every accepted command is visible in the read model")
)
def all_visible(kit: Kit, scene: Scene, seconds: int) -> None:
    commits = kit.observe().commits
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
    _none(kit, scene, "read model", seconds)


@then("every public event is in the ledger once")
def all_in_ledger(kit: Kit, scene: Scene) -> None:
    _none(kit, scene, "ledger", ARRIVED_WITHIN_S)


@then("every confirmed order is shipped")
def all_shipped(kit: Kit, scene: Scene) -> None:
    until(
        "the stores agree about the orders",
        lambda: differences(kit, scene),
        lambda found: not found,
        at_most_s=ARRIVED_WITHIN_S,
    )


@given("everything has arrived downstream")
def everything_arrived(kit: Kit, scene: Scene) -> None:
    all_shipped(kit, scene)
    kit.at_rest(at_most_s=ARRIVED_WITHIN_S)
    scene.before = kit.observe()


@then("the event store, the read model, the shipments and the ledger are what they were")
def nothing_changed(kit: Kit, scene: Scene) -> None:
    kit.at_rest(at_most_s=ARRIVED_WITHIN_S)
    before, after = scene.before, kit.observe()
    assert before
    assert before.commits
    assert after.commits == before.commits
    assert (after.rows, after.gates, after.parked) == (before.rows, before.gates, before.parked)
    assert after.shipments == before.shipments
    assert after.ledger == before.ledger


def _none(kit: Kit, scene: Scene, where: str, seconds: int) -> None:
    until(
        f"the {where} says what the event store says",
        lambda: [each for each in differences(kit, scene) if each.where == where],
        lambda found: not found,
        at_most_s=seconds,
    )
