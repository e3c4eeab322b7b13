"""Devices of several customers at once: commands and reads of all sorts, drawn by the seed."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event

from pytest_bdd import given, parsers, then, when

from bitacora.faults import Delay, EndCaller, Injection, LoseAnswer, Rule, SlowAnswer
from features.harness.customers import (
    TOTAL,
    Answer,
    Customer,
    payment,
    placement,
)
from features.harness.kit import Kit
from features.harness.scene import Scene

ACTIONS = 6
READS = ("", "?consistency=strong", "?min_version={version}", "/status")
HELD = ("linearizable", "versions", "commands", "monotonic-reads", "read-your-writes", "store")
LATE_S = 0.4
ACCIDENTS = {
    "is late": Delay(1.0),
    "never leaves its function": EndCaller(after=False),
    "is the last that its function does": EndCaller(after=True),
}
LOOKS = ("?consistency=strong", "", "/history")


@given("some answers of the event store to appends are lost, and some are late")
def lose_and_delay(kit: Kit) -> None:
    for fault, name, share in (
        (LoseAnswer(), "the answer to an append is lost", 1 / 5),
        (SlowAnswer(LATE_S), "the answer to an append is late", 1 / 5),
    ):
        kit.inject(
            Rule(
                fault=fault,
                service="dynamodb",
                operation="PutItem",
                body=lambda body: b"OrderPlaced" in body or b"PaymentReceived" in body,
                times=None,
                probability=share,
                seed=kit.witness.random.getrandbits(32),
            ),
            name,
        )


@when(
    parsers.parse(
        "{customers:d} customers use {devices:d} devices each, for commands and reads of all sorts"
    )
)
def use_devices(kit: Kit, customers: int, devices: int) -> None:
    owners = [kit.new_customer() for _ in range(customers)]
    with ThreadPoolExecutor(customers * devices) as pool:
        orders = list(pool.map(lambda one: one.get_through(placement()), owners))
        assert {answer.status for answer in orders} == {201}, orders
        lives = [
            pool.submit(_device, owner, placed, Random(kit.witness.random.getrandbits(32)))
            for owner, placed in zip(owners, orders, strict=True)
            for _ in range(devices)
        ]
        for life in lives:
            life.result()


def _device(owner: Customer, placed: Answer, random: Random) -> None:
    """Pays a cent at a time, with the version that it knows or without, and looks in between.

    All of an order's devices begin with the same version, so all but one of them meet a conflict;
    each repeats its first command, and asks for the version that it knows in the end.
    """
    order_id, known = placed.body["order_id"], 1
    for number in range(ACTIONS):
        if number == 0 or random.random() < 0.5:
            expected = known if number == 0 or random.random() < 0.5 else None
            command = payment(order_id, expected_version=expected)
            answer = owner.get_through(command)
            if number == 0 or random.random() < 0.2:
                owner.get_through(command)
        else:
            look = random.choice(READS).format(version=known)
            answer = owner.read(f"/orders/{order_id}{look}")
        if answer.status in (200, 412):
            known = max(known, answer.body["version"])
    owner.read(f"/orders/{order_id}?min_version={known}")


@then("what the devices were told is linearizable")
def linearizable(kit: Kit) -> None:
    report = kit.history_report()
    told = {promise: report.promises[promise] for promise in HELD}
    assert set(told.values()) == {"holds"}, (told, report.findings)


@then("commands met conflicts among it, and were repeated")
def met(kit: Kit) -> None:
    commands = [one for one in kit.history.exchanges if not isinstance(one.request, str)]
    conflicts = [one for one in commands if one.answer and one.answer.status == 412]
    keys = Counter(one.request.key for one in commands if not isinstance(one.request, str))
    repeats = [key for key, times in keys.items() if times > 1]
    kit.witness.struck("a command meets a conflict", len(conflicts))
    kit.witness.struck("a command is repeated", len(repeats))


@given(parsers.re("its next append (?P<accident>is late|never leaves.+|is the last.+)"))
def accident(kit: Kit, scene: Scene, accident: str) -> Injection:
    stream = scene.stream.encode()
    return kit.inject(
        Rule(
            fault=ACCIDENTS[accident],
            service="dynamodb",
            operation="PutItem",
            body=lambda body: stream in body and b"PaymentReceived" in body,
        ),
        f"the append {accident}",
    )


@when("its customer pays all of it, while other devices look at it all the time")
def pay_watched(kit: Kit, scene: Scene) -> None:
    paid = Event()

    def watch(look: str) -> list[Answer]:
        seen: list[Answer] = []
        while not paid.is_set() or seen[-1].status != 200:
            seen.append(scene.owner.read(f"/orders/{scene.order_id}{look}"))
        return seen

    with ThreadPoolExecutor(len(LOOKS)) as devices:
        looks = [devices.submit(watch, look) for look in LOOKS]
        try:
            scene.request = payment(scene.order_id, TOTAL)
            scene.accepted = [scene.owner.get_through(scene.request)]
        finally:
            paid.set()
        scene.answers = [answer for look in looks for answer in look.result()]
    assert scene.accepted[0].status == 200, scene.accepted


@then("every look shows the payment and the confirmation, or neither")
def both_or_neither(scene: Scene) -> None:
    shown = [answer.body for answer in scene.answers if answer.status == 200]
    states = {(body["version"], body["status"], body["paid"]) for body in shown if "paid" in body}
    assert {state[:1] + state[2:] for state in states if state[0] <= 3} <= {(1, 0), (3, TOTAL)}
    assert not {status for version, status, _ in states if version == 3} - {"confirmed"}
    histories = {tuple(one["type"] for one in body["events"]) for body in shown if "events" in body}
    both = ("OrderPlaced", "PaymentReceived", "OrderConfirmed")
    assert all(told in (both[:1], both) or told[:3] == both for told in histories), histories
    assert len(shown) > len(LOOKS)


@then("they stand in its history once, in one commit")
def in_one_commit(kit: Kit, scene: Scene) -> None:
    told = [
        [kind for kind in ("PaymentReceived", "OrderConfirmed") if kind in commit.body]
        for commit in kit.commits(scene.stream)
    ]
    assert [kinds for kinds in told if kinds] == [["PaymentReceived", "OrderConfirmed"]], told
