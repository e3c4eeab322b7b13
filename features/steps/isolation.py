"""A poisoned order, dead letters, and customers who ask for what is not theirs."""

import json
from collections.abc import Iterator
from uuid import uuid4

from pytest_bdd import given, parsers, then, when

from bitacora.audit.until import until
from bitacora.faults import Refuse, Rule
from bitacora.recovery.letters import COUNTS, queues
from bitacora.recovery.redrive import redrive
from bitacora.targets import invoke
from features.harness.customers import Answer, Customer, cancellation, payment
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.steps.downstream import ARRIVED_WITHIN_S
from features.steps.faults import hidden_for_a_moment
from reference_service.schemas import CONTRACTS
from tests import drill

LETTERS = "fulfilment-dlq"
DEAD_WITHIN_S = 60
RECEIVED_AGAIN = 1
# A batch of messages, each tried three times by the SDK. One that comes back before that becomes a
# dead letter whatever the function answers.
FAILS_WITHIN_S = 12
TWICE = 2
GONE_WITHIN_S = 30
# Routes that speak of the caller alone, and of no order that is there.
OF_THE_CALLER = {"POST /orders", "DELETE /personal-data"}
# There is none, or (asked for at a version) none yet.
UNKNOWN = (404, 503)
NOBODY = 401


@given("its next event can be read by nobody")
def poison(kit: Kit, scene: Scene) -> None:
    """Stored past the service, as a broken writer would."""
    drill.poison(kit.environment, scene.order_id)


@then(
    parsers.parse("the customer of the poisoned order is told that it is parked at version {at:d}")
)
def told_parked(scene: Scene, at: int) -> None:
    wanted = scene.owner.read(f"/orders/{scene.order_id}?min_version={at + 1}")
    told = (wanted.status, wanted.body.get("type"), wanted.body.get("version"))
    assert told == (503, "urn:bitacora:problem:parked", at)
    shown = scene.owner.read(f"/orders/{scene.order_id}")
    assert (shown.status, shown.body["version"], shown.body["parked"]) == (200, at, True)


@when("its event is put right and the order is repaired")
def put_right(kit: Kit, scene: Scene) -> None:
    """What its log still holds is of another history now: repeated, it would park the order."""
    drill.mend(kit.environment, scene.order_id)
    for operation in ("repair", "republish"):
        invoke(kit.target, "operations", {"operation": operation, "stream": scene.stream})


@then(parsers.parse("within {seconds:d} seconds its customer is shown version {version:d}"))
def shown_version(scene: Scene, seconds: int, version: int) -> None:
    until(
        f"version {version} is shown",
        lambda: scene.owner.read(f"/orders/{scene.order_id}?min_version={version}"),
        lambda answer: answer.status == 200 and "parked" not in answer.body,
        at_most_s=seconds,
    )


@given("fulfilment cannot reach its table")
def out_of_reach(kit: Kit) -> Iterator[None]:
    """And its queue gives a message up soon: one that was received before would stay hidden for
    minutes, so it is waited for."""
    kit.at_rest(at_most_s=ARRIVED_WITHIN_S)
    table = json.dumps(kit.outputs["shipments_table"]).encode()
    with hidden_for_a_moment(kit, "fulfilment", FAILS_WITHIN_S, receives=RECEIVED_AGAIN):
        kit.inject(
            Rule(
                fault=Refuse(),
                service="dynamodb",
                operation="PutItem",
                body=lambda body: table in body,
                times=None,
            ),
            "fulfilment cannot reach its table",
        )
        yield


@when("everything for fulfilment has become a dead letter")
def all_dead(kit: Kit, scene: Scene) -> None:
    """Of each confirmed order one message at least, and nothing is in its queue any more."""
    confirmed = sum(1 for answer in scene.accepted if answer.body.get("status") == "confirmed")
    queue = queues(kit.target)[LETTERS]
    until(
        f"{confirmed} dead letters, and nothing else for fulfilment",
        lambda: (_held(kit, queue.url), kit.under_way()),
        lambda seen: seen[0] >= confirmed and not seen[1],
        at_most_s=DEAD_WITHIN_S,
    )


@when("fulfilment can reach its table again")
def within_reach(kit: Kit) -> None:
    kit.proxy.clear()


@when("the dead letters are redriven one by one in any order, and some are there twice")
def redriven(kit: Kit) -> None:
    queue, sqs = queues(kit.target)[LETTERS], kit.target.client("sqs")
    found = sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=TWICE, VisibilityTimeout=0)
    for message in found["Messages"]:
        sqs.send_message(QueueUrl=queue.url, MessageBody=message["Body"])
    kit.witness.struck("a dead letter is there twice", len(found["Messages"]))
    ids = _ids(kit, queue.url)
    kit.witness.random.shuffle(ids)
    for each in ids:
        done = redrive(kit.target, queue, [each], lambda _: None)
        assert done.complete, done
    kit.witness.saw("dead letters", len(ids))


def _ids(kit: Kit, url: str) -> list[str]:
    """Of all messages in the queue: each is hidden until all were seen, then none is any more."""
    sqs, seen = kit.target.client("sqs"), dict[str, str]()
    while found := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60
    ).get("Messages", []):
        seen |= {message["MessageId"]: message["ReceiptHandle"] for message in found}
    for receipt in seen.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return list(seen)


def _held(kit: Kit, url: str) -> int:
    told = kit.target.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))
    return sum(map(int, told["Attributes"].values()))


@then("no dead letter is left")
def none_left(kit: Kit) -> None:
    queue = queues(kit.target)[LETTERS]
    until(
        "the queue of dead letters is empty",
        lambda: _held(kit, queue.url),
        lambda left: left == 0,
        at_most_s=GONE_WITHIN_S,
    )


@when("another customer asks for it in every way that there is", target_fixture="told")
def another_asks(kit: Kit, scene: Scene) -> dict[str, Answer]:
    return _asked(kit.new_customer(), scene)


@when("somebody without a valid token asks in every way that there is", target_fixture="told")
def nobody_asks(kit: Kit, scene: Scene) -> dict[str, Answer]:
    stranger = Customer("stranger", "no.valid.token", kit.outputs["api_url"], kit.history)
    return _asked(stranger, scene)


def _asked(customer: Customer, scene: Scene) -> dict[str, Answer]:
    """Every route with an order in it, with what a curious person would add to it."""
    order = f"/orders/{scene.order_id}"
    reads = (
        *("", "?consistency=strong", "?min_version=1", "?min_version=9", "?version=1"),
        *("?as_of=2030-01-01T00:00:00Z", "/status", "/status?min_version=1", "/history"),
    )
    commands = (
        payment(scene.order_id),
        payment(scene.order_id, expected_version=1),
        payment(scene.order_id, expected_version=7),
        cancellation(scene.order_id),
    )
    lists = (f"/orders?after={scene.order_id}:1", f"/customer-summary?after={scene.order_id}:1")
    told = {f"GET {order}{read}": customer.read(order + read) for read in reads}
    told |= {f"GET {each}": customer.read(each) for each in lists}
    for command in commands:
        told[f"POST {command.path} {command.expected_version}"] = customer.send(command)
    _refuse_forgotten_routes(scene, told)
    return told


def _refuse_forgotten_routes(scene: Scene, told: dict[str, Answer]) -> None:
    """A route that was added to the API has to be asked here too."""
    routes = json.loads((CONTRACTS / "http_api.json").read_bytes())["routes"]
    wanted = {each["route"].replace("{order_id}", scene.order_id) for each in routes}
    asked = {" ".join(each.split("?")[0].split(" ")[:2]) for each in told}
    assert wanted - asked <= OF_THE_CALLER, wanted - asked


@then("each answer is the one to an order that does not exist")
def as_unknown(scene: Scene, told: dict[str, Answer], kit: Kit) -> None:
    """Word for word: a difference would tell that the order exists."""
    nowhere = Scene(customer=scene.customer, order_id=str(uuid4()))
    unknown = _asked(kit.new_customer(), nowhere)
    for (asked, answer), other in zip(told.items(), unknown.values(), strict=True):
        assert answer.status in UNKNOWN, (asked, answer)
        assert (answer.status, answer.body) == (other.status, other.body), (asked, answer, other)


@then("each answer is that a token is needed")
def token_needed(told: dict[str, Answer]) -> None:
    statuses = {asked: answer.status for asked, answer in told.items()}
    assert set(statuses.values()) == {NOBODY}, statuses
