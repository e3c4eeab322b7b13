"""What goes wrong on purpose, at the delivery engine and at the proxy before the cloud."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from pytest_bdd import given, parsers, then, when

from bitacora.audit.until import until
from bitacora.faults import (
    Delay,
    EndCaller,
    Injection,
    LoseAnswer,
    PartlyRefuse,
    Refuse,
    Rule,
    Throttle,
)
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.steps.orders import another_lives
from reference_service.order.public import SOURCE

CONSUMERS = ("relay", "projector", "publisher")
REPEATED, LOST = 30, 2
SDK_ATTEMPTS = 3
FAILURES = 3
MET_WITHIN_S = 90
PUBLISHED = SOURCE.encode()
TIMES = {"once": 1, "twice": 2}
REFUSALS = {"refused in part": PartlyRefuse(), "refused as too many": Throttle()}
REFUSED_CALLS = {"refused in part": 8, "refused as too many": 2 * SDK_ATTEMPTS}
# Two of three calls: one of them would end with a commit that is never tried again.
REFUSED = 2 / 3
# A queue hides a message from others as long as six times its consumer may take; here as long as
# a message needs that is handled at once.
HIDDEN_S = 3
LOSSES = {"lost once": 1, "lost 4 times": 4, "always lost": None}
REDELIVERED_WITHIN_S = 90
GATHERED_MS = 400
MOST_ORDERS = 30


@given("the event store takes half a second for each append", target_fixture="slow_appends")
def slow_appends(kit: Kit, scene: Scene) -> Injection:
    """So that devices decide on the same history before the first of them is through."""
    stream = scene.stream.encode()
    return kit.inject(
        Rule(
            fault=Delay(0.5),
            service="dynamodb",
            operation="PutItem",
            body=lambda body: stream in body,
            times=None,
        ),
        "an append takes half a second",
    )


@then("several appends were really under way at once")
def really_at_once(slow_appends: Injection) -> None:
    assert slow_appends.applied > 1


@given(parsers.re("the event store's answer to the next append is (?P<times>.*)"))
def lose_appends(kit: Kit, scene: Scene, times: str) -> None:
    stream = scene.stream.encode()
    kit.inject(
        Rule(
            fault=LoseAnswer(),
            service="dynamodb",
            operation="PutItem",
            body=lambda body: stream in body,
            times=LOSSES[times],
        ),
        "the answer to an append is lost",
    )


@when("answers arrive again")
def answers_arrive(kit: Kit) -> None:
    kit.proxy.clear()


@given(
    "batches are repeated and their answers lost on the way to the relay, the projector "
    "and the publisher"
)
def repeat_batches(kit: Kit) -> None:
    for consumer in CONSUMERS:
        kit.fault(consumer, "repeat_batch", times=REPEATED)
        kit.fault(consumer, "lose_answer", times=LOST)


@given("the log and the bus are out of reach", target_fixture="refused")
def out_of_reach(kit: Kit) -> dict[str, Injection]:
    calls = {"relay": ("kinesis", "PutRecords"), "publisher": ("events", "PutEvents")}
    return {
        consumer: kit.inject(
            Rule(fault=Refuse(), service=service, operation=operation, times=None),
            f"{operation} does not reach its service",
        )
        for consumer, (service, operation) in calls.items()
    }


@when("the log and the bus can be reached again")
def reachable_again(kit: Kit, refused: dict[str, Injection]) -> None:
    """But not before batches of the relay's and of the publisher's that hold what was accepted last
    have failed more often than a careless limit of retries allows. (One that is caught up took the
    failure for a success, or gave up.)"""
    enough = {name: one.applied + FAILURES * SDK_ATTEMPTS + 1 for name, one in refused.items()}
    until(
        "the outage is met",
        lambda: {name: (one.applied, kit.caught_up(name)) for name, one in refused.items()},
        lambda met: all(calls >= enough[name] or done for name, (calls, done) in met.items()),
        at_most_s=MET_WITHIN_S,
    )
    kit.proxy.clear()


@given("the log loses a third of its answers to the relay")
def lose_log_answers(kit: Kit) -> None:
    kit.inject(
        Rule(
            fault=LoseAnswer(),
            service="kinesis",
            operation="PutRecords",
            times=None,
            probability=1 / 3,
            seed=kit.witness.random.getrandbits(32),
        ),
        "the answer to PutRecords is lost",
    )


@when(
    "every batch since the beginning is delivered again to the relay, the publisher "
    "and the projector"
)
def deliver_again(kit: Kit) -> None:
    """By a second mapping of each, from the oldest record on."""
    delivery = kit.environment.delivery
    histories = kit.observe(ledger=False).commits.values()
    commits = sum(map(len, histories))
    # A record of the log may hold several commits of one order.
    least = {"relay": commits, "publisher": commits, "projector": len(histories)}
    for consumer in CONSUMERS:
        again = f"again-{consumer}"
        delivery.put_mapping(again, kit.mapping(consumer)["request"])
        try:
            report = until(
                f"the {consumer} got everything again",
                partial(delivery.mapping, again),
                lambda report: bool(report["caught_up"]),
                at_most_s=REDELIVERED_WITHIN_S,
            )
            delivered = sum(shard["delivered"] for shard in report["shards"].values())
            assert delivered >= least[consumer], report
        finally:
            delivery.delete_mapping(again)


@given("nothing more reaches the read model")
def stop_projector(kit: Kit) -> None:
    kit.fault("projector", "stop")


@when(parsers.re("the (?P<consumer>relay|projector) goes on"))
def resume(kit: Kit, consumer: str) -> None:
    kit.fault(consumer, "resume")


@given("commits change places on their way to the relay and the publisher")
def reorder(kit: Kit) -> None:
    """Those of different items, as DynamoDB Streams may: each commit is an item. The relay's are
    gathered for long enough to have several of one order among them."""
    for consumer, hold_ms in (("relay", 2000), ("publisher", 400)):
        kit.fault(consumer, "reorder", times=REPEATED, hold_ms=hold_ms)


@given(parsers.re("calls of (?P<operation>[A-Za-z]+) are (?P<refused>refused.+)"))
def refuse_calls(kit: Kit, operation: str, refused: str) -> None:
    service = {"PutRecords": "kinesis", "PutEvents": "events"}[operation]
    kit.inject(
        Rule(
            fault=REFUSALS[refused],
            service=service,
            operation=operation,
            # What the order service calls: fulfilment tells of shipments by PutEvents too.
            body=lambda body: service == "kinesis" or PUBLISHED in body,
            times=REFUSED_CALLS[refused],
            probability=REFUSED,
            seed=kit.witness.random.getrandbits(32),
        ),
        f"{operation} is {refused}",
    )


@given("the relay and the publisher are given several commits of an order at once")
def gather(kit: Kit) -> None:
    """What arrives while a batch waits comes in the next one."""
    for consumer in ("relay", "publisher"):
        kit.fault(consumer, "delay_ms", ms=GATHERED_MS)


@given(parsers.re("the (?P<function>[a-z-]+) ends (?P<times>once|twice) right after its effect"))
def end_after_effect(kit: Kit, function: str, times: str) -> Iterator[None]:
    """What it calls to have its effect is done, and then its process is gone.

    The projector's effect is a transaction of PostgreSQL, after which it calls nobody: what it
    would have answered is lost instead.
    """
    if function == "projector":
        kit.fault(function, "lose_answer", times=TIMES[times])
        yield
        return
    service, operation, holds = _effect(kit, function)
    kit.inject(
        Rule(
            fault=EndCaller(after=True),
            service=service,
            operation=operation,
            body=lambda body: all(text in body for text in holds),
            times=TIMES[times],
        ),
        f"the {function} ends after its effect",
    )
    with hidden_for_a_moment(kit, function):
        yield


def _effect(kit: Kit, function: str) -> tuple[str, str, list[bytes]]:
    """Service and operation of the call by which a function has its effect; what its body holds."""
    events, shipments, statuses = (
        json.dumps(kit.outputs[name]).encode()
        for name in ("events_table", "shipments_table", "order_status_table")
    )
    return {
        "command": ("dynamodb", "PutItem", [events, b"PaymentReceived"]),
        "relay": ("kinesis", "PutRecords", []),
        "publisher": ("events", "PutEvents", [PUBLISHED]),
        "status-projector": ("dynamodb", "UpdateItem", [statuses]),
        "fulfilment": ("dynamodb", "PutItem", [shipments]),
        "command-worker": ("dynamodb", "PutItem", [events, b"OrderShipped"]),
        "ledger": ("s3", f"PUT /{kit.outputs['ledger_bucket']}/*", []),
    }[function]


@contextmanager
def hidden_for_a_moment(
    kit: Kit, function: str, hidden_s: int = HIDDEN_S, receives: int | None = None
) -> Iterator[None]:
    """A message that its consumer did not finish comes back soon, where there is a queue; with
    `receives` it becomes a dead letter after so many."""
    key = {"command-worker": "order-commands"}.get(function, function)
    url = kit.outputs["queues"].get(key)
    if url is None:
        yield
        return
    sqs, names = kit.target.client("sqs"), ["VisibilityTimeout", "RedrivePolicy"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    soon = {"VisibilityTimeout": str(hidden_s)}
    if receives:
        policy = json.loads(before["RedrivePolicy"]) | {"maxReceiveCount": receives}
        soon["RedrivePolicy"] = json.dumps(policy)
    sqs.set_queue_attributes(QueueUrl=url, Attributes=soon)
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


@given("the database is killed")
def kill_database(kit: Kit) -> None:
    kit.stop_database(kill=True)


@given("batches are repeated, late, lost and reordered on the way to everybody")
def everything(kit: Kit) -> None:
    for consumer in ("relay", "publisher", "status-projector"):
        kit.fault(consumer, "repeat_batch", times=2)
        kit.fault(consumer, "lose_answer", times=1)
        kit.fault(consumer, "delay_ms", ms=200)
    kit.fault("projector", "delay_ms", ms=200)  # it is without its database already
    kit.fault("publisher", "reorder", times=2)


@when("orders go on living until each fault has struck")
def go_on_living(kit: Kit, scene: Scene) -> None:
    """A batch meets one fault, and on a slow machine few batches may hold all that there is."""
    number = len(scene.streams)
    while (idle := kit.witness.idle()) and number < MOST_ORDERS:
        another_lives(kit, scene, number)
        number += 1
    assert not idle, idle


@when("all faults end")
def faults_end(kit: Kit) -> None:
    kit.end_faults()
