"""Events of the past and of the future, and who understands them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pytest_bdd import given, parsers, then, when
from referencing import Registry, Resource

from bitacora.audit.until import until
from bitacora.contracts.check import Report, Step, check
from bitacora.targets import invoke
from features.harness import contracts, past
from features.harness.customers import Answer, Customer, cancellation, payment, placement
from features.harness.deployments import deploy, newer, write_also
from features.harness.kit import Kit
from features.harness.past import Kept
from features.harness.scene import Scene
from features.harness.witness import Witness
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.cqrs.store import Appended
from reference_service.order.codec import OrderCodec
from reference_service.order.events import VERSIONS
from reference_service.order.versions import UPCASTERS
from reference_service.schemas import Schemas, event_schema

SHOWN_WITHIN_S = 30
# What an order of today may still be asked for, by its status.
OPEN = {
    "placed": (200, 200),
    "confirmed": (409, 200),
    "shipped": (409, 409),
    "cancelled": (409,) * 2,
}
SHOWS = ("lines", "delivery")
OLD = ("projector", "query", "publisher", "operations", "command-worker", "catch-up")
NEW = ("command", "status-projector", "status")
EVENT = "OrderCancelled"

Newer = Callable[[Callable[[contracts.Schema], None]], None]


@given(
    "orders whose events were stored in every version that was ever released",
    target_fixture="stored_orders",
)
def stored_in_every_version(kit: Kit, scene: Scene) -> dict[str, Kept]:
    """Written into the event store as the writers of those days did."""
    kinds = {(each.kind, each.version) for each in past.kept()}
    released = {(kind, each) for kind, newest in VERSIONS.items() for each in range(1, newest + 1)}
    assert kinds == released, "of every released version something is kept, in tests/order/golden"
    store = DynamoDBEventStore(kit.target.client("dynamodb"), kit.outputs["events_table"])
    orders = {str(UUID(int=kit.witness.random.getrandbits(128))): each for each in past.kept()}
    for order_id, last in orders.items():
        for commit in past.stream(order_id, last):
            assert isinstance(store.append(commit), Appended)
    scene.streams = {f"order-{order_id}" for order_id in orders}
    return orders


@then("each of them is shown as what it said when it was stored")
def shown_as_said(kit: Kit, stored_orders: dict[str, Kept]) -> None:
    owner = kit.customer(past.OWNER)
    for order_id, last in stored_orders.items():
        commits = past.stream(order_id, last)
        strong = owner.read(f"/orders/{order_id}?consistency=strong")
        projected = _read_at(owner, order_id, len(commits))
        for answer in (strong, projected):
            assert answer.status == 200, (last, answer)
            assert answer.body["version"] >= len(commits), (last, answer)
            assert "parked" not in answer.body, (last, answer)
        if last.kind == "OrderPlaced":
            told = {name: strong.body[name] for name in SHOWS}
            assert told == {name: last.read[name] for name in SHOWS}
            assert strong.body["total"] == last.read["total"]["amount"]
        assert _alike(strong) == _alike(projected) or strong.body["version"] > len(commits)


@then("each of them can be paid or cancelled from there on, where an order of today could")
def goes_on(kit: Kit, stored_orders: dict[str, Kept]) -> None:
    owner = kit.customer(past.OWNER)
    for order_id, last in stored_orders.items():
        status = owner.read(f"/orders/{order_id}?consistency=strong").body["status"]
        for command, expected in zip(
            (payment(order_id), cancellation(order_id)), OPEN[status], strict=True
        ):
            answer = owner.send(command)
            # The saga may have shipped it meanwhile.
            assert answer.status in (expected, 409), (last, command, answer)


def _alike(answer: Answer) -> dict[str, Any]:
    """What the event store's and the read model's answer have in common."""
    return {name: answer.body[name] for name in ("status", "version", "total", "paid", *SHOWS)}


def _read_at(owner: Customer, order_id: str, version: int) -> Answer:
    return until(
        "the stored order is shown",
        lambda: owner.read(f"/orders/{order_id}?min_version={version}"),
        lambda answer: answer.status == 200,
        at_most_s=SHOWN_WITHIN_S,
    )


@given(
    parsers.parse("{count:d} orders of all sorts as the first version of their event stored them"),
    target_fixture="first_versions",
)
def of_all_sorts(witness: Witness, count: int) -> list[dict[str, Any]]:
    orders = list(past.placed_in_version_1(witness.random, count))
    schemas = Schemas.load()
    for each in orders:
        assert schemas.check(event_schema("internal", "OrderPlaced", 1), each) == ()
    witness.saw("orders", len(orders))
    return orders


@when("each is carried up one version after the other", target_fixture="carried_up")
def carry_up(first_versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    schemas, carried = Schemas.load(), []
    for data in first_versions:
        for version in range(1, VERSIONS["OrderPlaced"]):
            data = UPCASTERS["OrderPlaced", version](data)
            assert schemas.check(event_schema("internal", "OrderPlaced", version + 1), data) == ()
        carried.append(data)
    return carried


@then("each is what its newest version would have said, reckoned in one go")
def same_as_direct(first_versions: list[dict[str, Any]], carried_up: list[dict[str, Any]]) -> None:
    for first, carried in zip(first_versions, carried_up, strict=True):
        assert carried == past.in_version_3(first), first


@then("each can be written down in every version that it came through, and read again the same")
def there_and_back(carried_up: list[dict[str, Any]]) -> None:
    schemas = Schemas.load()
    codecs = [OrderCodec(schemas, VERSIONS | {"OrderPlaced": version}) for version in (1, 2, 3)]
    for data in carried_up:
        [event] = codecs[-1].decode(_body("OrderPlaced", 3, data))
        for codec in codecs:
            assert codec.decode(codec.encode([event])) == [event]


def _body(kind: str, version: int, data: Any) -> str:
    return json.dumps([{"type": kind, "v": version, "data": data}])


@given("a newer deployment of the command side and of the status alone", target_fixture="deployed")
def newer_deployment(kit: Kit, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Newer:
    """What is deployed follows: the change decides what its next version is like."""
    scene.customer = kit.new_customer()

    def with_change(change: Callable[[contracts.Schema], None]) -> None:
        package, schema = newer(tmp_path_factory.mktemp("newer"), EVENT, change)
        scene.package = package
        deploy(kit, NEW, package)
        write_also(kit, "command", schema)

    return with_change


@given(
    parsers.re(
        "one that cancels orders in a version that today's consumers (?P<can>can|cannot) read"
    )
)
def next_version(deployed: Newer, can: str) -> None:
    deployed(contracts.READABLE if can == "can" else contracts.UNREADABLE)


@when("a customer cancels an order")
def cancel(kit: Kit, scene: Scene) -> None:
    placed = scene.owner.get_through(placement())
    assert placed.status == 201, placed
    scene.order_id = placed.body["order_id"]
    scene.cancelled.add(scene.stream)
    cancelled = scene.owner.get_through(cancellation(scene.order_id))
    assert cancelled.status == 200, cancelled
    commits = kit.commits(scene.stream)
    assert f'"v":{VERSIONS[EVENT] + 1}' in commits[-1].body, "the newer version was not written"


@then("the old consumers and the new ones show it as cancelled")
def both_show(scene: Scene) -> None:
    _shows_cancelled(scene, ("", "/status"))


@then("the new consumers show it as cancelled")
def new_show(scene: Scene) -> None:
    _shows_cancelled(scene, ("/status",))


@then("the old ones say that it is parked, and do not delay another order")
def old_parked(scene: Scene) -> None:
    until(
        "the order is parked",
        lambda: scene.owner.read(f"/orders/{scene.order_id}?min_version=2"),
        lambda answer: answer.body.get("type") == "urn:bitacora:problem:parked",
        at_most_s=SHOWN_WITHIN_S,
    )
    other = scene.owner.get_through(placement()).body["order_id"]
    assert _read_at(scene.owner, other, 1).status == 200


@when("the newer deployment has reached every consumer")
def deployed_everywhere(kit: Kit, scene: Scene) -> None:
    assert kit.outputs["functions"].keys() >= {*OLD, *NEW}
    deploy(kit, OLD, scene.package)


@then("the next reconcile shows the order as cancelled everywhere")
def reconciled(kit: Kit, scene: Scene) -> None:
    invoke(kit.target, "operations", {"operation": "reconcile"})
    _shows_cancelled(scene, ("", "/status"))


@then("every public event of the cancelled orders is in the ledger once")
def in_ledger(kit: Kit, scene: Scene) -> None:
    """They were placed and cancelled, and both is told; consumers here are older than these."""
    wanted = {f"{stream}/{commit}/0": 1 for stream in scene.cancelled for commit in (1, 2)}

    def copies() -> dict[str, int]:
        ledger = kit.observe().ledger
        return {name: len(ledger[name]) for name in ledger if name.split("/")[0] in scene.cancelled}

    until("all is in the ledger", copies, wanted.__eq__, at_most_s=SHOWN_WITHIN_S)


def _shows_cancelled(scene: Scene, where: Iterable[str]) -> None:
    for place in where:
        until(
            f"the order is shown as cancelled at {place or '/'}",
            lambda place=place: scene.owner.read(f"/orders/{scene.order_id}{place}"),  # type: ignore[misc]
            lambda answer: answer.body.get("status") == "cancelled" and "parked" not in answer.body,
            at_most_s=SHOWN_WITHIN_S,
        )


@given(
    parsers.re("the contracts with a next version of (?P<event>[A-Za-z]+) that (?P<change>.+)"),
    target_fixture="versions",
)
def changed_contracts(tmp_path: Path, event: str, change: str) -> tuple[Path, str]:
    root = tmp_path / "contracts"
    contracts.copied(root)
    _, newer_name = contracts.add_version(root, event, contracts.CHANGES[change])
    return root, newer_name


@when("the contracts are checked", target_fixture="checked")
def checked(versions: tuple[Path, str], witness: Witness) -> Report:
    report = check(versions[0], generated=False)
    witness.saw("comparisons", len(report.steps))
    return report


@then(parsers.re("the change is (?P<verdict>refused|accepted)"))
def verdict_is(checked: Report, versions: tuple[Path, str], verdict: str) -> None:
    steps = _steps(checked, versions[1])
    assert steps, "the new version was compared with nothing"
    assert all(step.is_fine for step in steps) is (verdict == "accepted"), steps


@then("a refusal shows an event that one side writes and the other cannot read")
def counterexample(checked: Report, versions: tuple[Path, str]) -> None:
    """Held against both schemas by a validator that the checker does not use for its search."""
    for step in _steps(checked, versions[1]):
        if step.is_fine:
            continue
        [shown, *_] = step.comparison.counterexamples
        older, newer_one = (_validator(checked, each) for each in (step.older, step.newer))
        assert older.is_valid(shown.instance) != newer_one.is_valid(shown.instance), shown
        assert shown.reasons, shown


def _steps(report: Report, name: str) -> list[Step]:
    return [step for step in report.steps if step.newer.file == f"{name}.json"]


def _validator(report: Report, version: Any) -> Draft202012Validator:
    schemas = report.folder.schemas
    registry: Any = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()]
    )
    return Draft202012Validator(schemas[version], registry=registry)
