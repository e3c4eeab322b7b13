"""A customer who has their personal data erased, and the search for what is left of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pytest_bdd import given, parsers, then, when

from bitacora.audit.orders import Orders
from bitacora.audit.readers import directly
from bitacora.audit.store_audit import audit
from bitacora.audit.stream_audit import Clock
from bitacora.audit.until import until
from bitacora.faults import EndCaller, Rule
from bitacora.recovery.letters import queues
from features.harness.customers import ORDER, TOTAL, Answer, Customer, Request, payment
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.harness.targets import Embedded
from features.harness.traces import Traces, traces
from features.steps.past import shown_as_shipped
from features.steps.rebuilding import rebuilt
from reference_service.aws.http_api import READ_ALL
from reference_service.aws.personal_keys import DynamoDBPersonalKeys
from reference_service.schemas import Schemas

LETTERS = "notification-dlq"
GONE_WITHIN_S = 60
READS = ("", "?consistency=strong", "?version=1", "/history")
# Each kind of place that keeps something of an order, as features.harness.traces names it.
KINDS = ("table", "stream", "log", "queue", "bucket", "log group", "database", "file")


@dataclass(frozen=True)
class Personal:
    """What is nobody else's: the values of an address, and the customer's key as it is stored."""

    delivery: dict[str, str]
    wrapped: bytes

    @property
    def values(self) -> list[str]:
        return [value for name, value in self.delivery.items() if name != "country"]


@given("a customer whose order was shipped to an address of their own", target_fixture="personal")
def shipped(kit: Kit, scene: Scene) -> Personal:
    scene.customer = kit.new_customer()
    mark = f"{kit.witness.random.getrandbits(48):012x}"
    delivery = {
        "recipient": f"Zoë {mark}",
        "street": f"Rúa {mark} 7",
        "city": f"Vila {mark}",
        "postal_code": mark,
        "country": "PT",
    }
    placed = scene.customer.get_through(Request("/orders", ORDER | {"delivery": delivery}))
    assert placed.status == 201, placed
    scene.order_id = placed.body["order_id"]
    scene.streams = {scene.stream}
    paid = scene.owner.get_through(payment(scene.order_id, TOTAL))
    assert paid.status == 200, paid
    shown_as_shipped(scene)
    return Personal(delivery, _item(kit, scene)["wrapped"]["B"])


@given("a message about it lies in a dead-letter queue, and support has looked at it")
def dead_letter(kit: Kit, scene: Scene) -> Iterator[None]:
    """So that queues and logs of functions hold something about it, too."""
    sqs, url = kit.target.client("sqs"), queues(kit.target)[LETTERS].url
    sqs.send_message(QueueUrl=url, MessageBody=f"about {scene.order_id}")
    token = kit.target.token("support", READ_ALL)
    support = Customer("support", token, kit.outputs["api_url"], kit.history)
    assert support.read(f"/orders/{scene.order_id}").status == 200
    yield
    sqs.purge_queue(QueueUrl=url)


@given("the function that erases ends before it has destroyed the key")
def ends(kit: Kit) -> None:
    kit.inject(
        Rule(fault=EndCaller(after=False), service="dynamodb", operation="DeleteItem"),
        "the function that erases ends before the key does",
    )


@when("the customer has their personal data erased")
def erase(scene: Scene) -> None:
    scene.answers = [scene.owner.erase()]


@then("they are told that it is erased")
def told_erased(scene: Scene) -> None:
    assert [(each.status, each.body) for each in scene.answers] == [
        (200, {"version": 1, "commit": 1})
    ]


@then("they are not told that it is erased")
def not_told_erased(scene: Scene) -> None:
    assert scene.answers[0].status >= 500, scene.answers


@then(parsers.parse("within {seconds:d} seconds the key is destroyed, though nobody asks again"))
def destroyed(kit: Kit, scene: Scene, seconds: int) -> None:
    keys = DynamoDBPersonalKeys(kit.target.client("dynamodb"), kit.outputs["personal_keys_table"])
    owner = scene.owner.customer_id
    until(
        "the key is gone", lambda: keys.current(owner), lambda key: key is None, at_most_s=seconds
    )


@then("however they ask, their order is shown without an address")
def shown_without(kit: Kit, scene: Scene) -> None:
    for delivery in _shown(scene):
        assert delivery is None, delivery
    kit.witness.saw("reads", len(READS))


@then("however they ask, their order is shown with its address")
def shown_with(kit: Kit, scene: Scene, personal: Personal) -> None:
    for delivery in _shown(scene):
        assert delivery == personal.delivery
    kit.witness.saw("reads", len(READS))


@when("every store, log, queue, bucket and file is searched", target_fixture="found")
def search(kit: Kit, scene: Scene, personal: Personal) -> Traces:
    kit.at_rest(at_most_s=GONE_WITHIN_S)
    return traces(kit.environment, [scene.order_id, *personal.values, personal.wrapped])


@then("no personal value of theirs is found, nor their key")
def no_trace(scene: Scene, found: Traces) -> None:
    kept = {place: what - {scene.order_id} for place, what in found.items()}
    assert not any(kept.values()), kept


@then("the order is found in each kind of place")
def finds(kit: Kit, scene: Scene, found: Traces) -> None:
    """A search that finds nothing shows nothing."""
    places = [place for place, what in found.items() if scene.order_id in what]
    kinds = {kind for kind in KINDS if any(place.startswith(f"{kind} ") for place in places)}
    assert kinds == set(KINDS), places
    kit.witness.saw("places with the order in them", len(places))


@then("a read model that is rebuilt from the events equals the live one")
def rebuilt_equal(kit: Kit) -> None:
    progress = rebuilt(kit)
    assert (progress["phase"], progress["differences"]) == ("live", []), progress
    kit.witness.saw("rebuilt streams", progress["streams"])


@then("the audit finds nothing in the streams of the customer and the order")
def audited(kit: Kit, scene: Scene) -> None:
    assert isinstance(kit.target, Embedded)
    source, orders = directly(kit.target.stores), Orders(Schemas.load())
    for stream in (scene.stream, f"customer-{scene.owner.customer_id}"):
        report = audit(source, orders, Clock(datetime.now(UTC), grace_s=0), stream=stream)
        assert report.verdict == "holds", report
        kit.witness.saw("audited commits", report.counts["commits"])


@when("the customer orders again, to that address")
def order_again(scene: Scene, personal: Personal) -> None:
    placed = scene.owner.get_through(Request("/orders", ORDER | {"delivery": personal.delivery}))
    assert placed.status == 201, placed
    scene.accepted = [placed]


@then("the new order is shown with it, and the old one without")
def new_alone(kit: Kit, scene: Scene, personal: Personal) -> None:
    orders = (scene.accepted[0].body["order_id"], scene.order_id)
    asked = [scene.owner.read(f"/orders/{order_id}?consistency=strong") for order_id in orders]
    assert [each.body["delivery"] for each in asked] == [personal.delivery, None]
    kit.witness.saw("reads", len(asked))


def _shown(scene: Scene) -> list[Any]:
    answers = [scene.owner.read(f"/orders/{scene.order_id}{read}") for read in READS]
    assert {answer.status for answer in answers} == {200}, answers
    listed = scene.owner.read("/orders")
    return [*map(_delivery, answers), *(order["delivery"] for order in listed.body["orders"])]


def _delivery(answer: Answer) -> Any:
    shown = answer.body
    return shown["events"][0]["data"]["delivery"] if "events" in shown else shown["delivery"]


def _item(kit: Kit, scene: Scene) -> Any:
    return kit.target.client("dynamodb").get_item(
        TableName=kit.outputs["personal_keys_table"],
        Key={"customer_id": {"S": scene.owner.customer_id}},
    )["Item"]
