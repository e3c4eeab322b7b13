"""Devices that read all the time, while commits arrive, batches repeat and tables are swapped."""

import json
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from threading import Event
from typing import Any

from pytest_bdd import given, parsers, then, when

from bitacora.audit.until import until
from bitacora.faults import Rule, SlowAnswer
from bitacora.targets import invoke
from features.harness.customers import Answer, Customer, payment, placement
from features.harness.kit import Kit
from features.harness.scene import Scene
from features.steps.faults import REPEATED
from features.steps.orders import orders_live
from features.steps.rebuilding import rebuilt

WAYS = ("", "/status", "?min_version={version}", "?consistency=strong")
PAUSE_S = 0.05
ALIKE_WITHIN_S = 30
HEARTBEAT_S = 30
# Whatever a warm function kept would show again by then: there are as many as devices.
OFTEN = 5
HELD = ("version", "status")


@given("batches are repeated on the way to both read models")
def repeated(kit: Kit) -> None:
    for projector in ("projector", "status-projector"):
        kit.fault(projector, "repeat_batch", times=REPEATED)


@contextmanager
def reading(owner: Customer, order_id: str) -> Iterator[Mapping[str, list[Answer]]]:
    """A device for each way to read; what each was answered, whole once the block has ended."""
    answers: dict[str, list[Answer]] = {way: [] for way in WAYS}
    ended = Event()

    def device(way: str) -> None:
        seen = 1
        while not ended.is_set():
            answer = owner.read(f"/orders/{order_id}{way.format(version=seen)}")
            seen = max(seen, answer.body["version"]) if answer.status == 200 else seen
            answers[way].append(answer)
            ended.wait(PAUSE_S)  # a device, not a flood

    with ThreadPoolExecutor(len(WAYS)) as devices:
        looks = [devices.submit(device, way) for way in WAYS]
        try:
            yield answers
        finally:
            ended.set()
    for look in looks:
        look.result()


@when(
    parsers.parse(
        "its customer pays {parts:d} parts while devices read it in every way all the time"
    )
)
def pay_and_read(scene: Scene, parts: int) -> None:
    with reading(scene.owner, scene.order_id) as answers:
        for _ in range(parts):
            paid = scene.owner.get_through(payment(scene.order_id))
            assert paid.status == 200, paid
        until(
            f"every way has shown the last version {OFTEN} times",
            lambda: [_shown(each, parts + 1) for each in answers.values()],
            lambda shown: min(shown) >= OFTEN,
            at_most_s=ALIKE_WITHIN_S,
        )


def _every_way_goes_on(answers: Mapping[str, list[Answer]]) -> None:
    before = {way: len(answered) for way, answered in answers.items()}
    until(
        f"every way was answered {OFTEN} times more",
        lambda: [len(answered) - before[way] for way, answered in answers.items()],
        lambda more: min(more) >= OFTEN,
        at_most_s=ALIKE_WITHIN_S,
    )


def _shown(answers: Sequence[Answer], version: int) -> int:
    """How often it was, at the end of what was answered."""
    versions = [answer.body.get("version") for answer in answers]
    return sum(1 for _ in takewhile(lambda shown: shown == version, reversed(versions)))


@then("no device was told an older version than before, or than it asked for")
def never_backwards(kit: Kit) -> None:
    report = kit.history_report()
    told = {name: report.promises[name] for name in ("monotonic-reads", "read-your-writes")}
    assert set(told.values()) == {"holds"}, (told, report.findings)


@then("every read was answered")
def all_answered(kit: Kit) -> None:
    """All of an order that was shown before, and of a version that was."""
    reads = [one for one in kit.history.exchanges if isinstance(one.request, str)]
    refused = [one for one in reads if one.answer is None or one.answer.status != 200]
    assert reads
    assert not refused, refused[:3]


@given(parsers.parse("the event store takes {seconds:d} seconds to answer each scan"))
def late_scan(kit: Kit, seconds: int) -> None:
    """What it answers with is what it held before."""
    table = json.dumps(kit.outputs["events_table"]).encode()
    kit.inject(
        Rule(
            fault=SlowAnswer(seconds),
            service="dynamodb",
            operation="Scan",
            body=lambda body: table in body,
            times=None,
        ),
        "the answer to a scan is late",
    )


@given(parsers.parse("the new tables learn of commits {seconds:d} seconds late"))
def late_catch_up(kit: Kit, seconds: int) -> None:
    kit.fault("catch-up", "delay_ms", ms=seconds * 1000)


@when(
    parsers.parse("the read model is rebuilt while orders live their life, {count:d} after {_:d}")
)
def rebuild_behind(kit: Kit, scene: Scene, count: int) -> None:
    """Until it is over: the tables are swapped while commits are on their way to them."""
    over = Event()

    def live() -> None:
        accepted: list[Answer] = []
        streams: set[str] = set()
        while not over.is_set():
            orders_live(kit, scene, count)
            accepted += scene.accepted
            streams |= scene.streams
        scene.accepted, scene.streams = accepted, streams

    with ThreadPoolExecutor(1) as background:
        living = background.submit(live)
        try:
            until("something was accepted", lambda: len(kit.history.exchanges), bool, at_most_s=60)
            progress = rebuilt(kit)
        finally:
            over.set()
        living.result()
    assert progress["phase"] == "live", progress


@when(
    parsers.parse(
        "the read model is rebuilt while {count:d} orders live their life "
        "and devices read all the time"
    )
)
def rebuild_meanwhile(kit: Kit, scene: Scene, count: int) -> None:
    with reading(scene.owner, scene.order_id) as answers, ThreadPoolExecutor(1) as background:
        living = background.submit(orders_live, kit, scene, count)
        until("something was accepted", lambda: len(kit.history.exchanges), bool, at_most_s=60)
        progress = rebuilt(kit, lambda: _every_way_goes_on(answers))
        wait([living])
        living.result()
    assert progress["phase"] == "live", progress


@when(parsers.parse("orders are placed at a rate of {rate:d} a second for {seconds:d} seconds"))
def at_a_rate(kit: Kit, scene: Scene, rate: int, seconds: int) -> None:
    """An order is placed at its moment, however long the ones before it took. One device looks at
    the list meanwhile; what it shows first when, is the lag."""
    count, began = rate * seconds, time.monotonic()
    with ThreadPoolExecutor(count) as devices:
        placed = [
            devices.submit(_placed, scene.owner, began + number / rate) for number in range(count)
        ]
        shown: dict[str, float] = {}

        def look() -> int:
            for order in scene.owner.read("/orders?limit=100").body["orders"]:
                shown.setdefault(order["order_id"], time.monotonic())
            return len(shown)

        until(
            "every order is in the list",
            look,
            lambda found: found > count,  # the first one was there before
            at_most_s=seconds + ALIKE_WITHIN_S,
        )
    scene.lags_s = [shown[order] - at for order, at in (each.result() for each in placed)]


def _placed(owner: Customer, at: float) -> tuple[str, float]:
    """An order, and when it was accepted."""
    time.sleep(max(0.0, at - time.monotonic()))
    answer = owner.get_through(placement())
    assert answer.status == 201, answer
    return answer.body["order_id"], time.monotonic()


@then(parsers.parse("each was visible within {seconds:d} seconds of its acceptance"))
def in_time(kit: Kit, scene: Scene, seconds: int) -> None:
    assert scene.lags_s
    assert max(scene.lags_s) < seconds, sorted(scene.lags_s)
    ordered = sorted(scene.lags_s)
    kit.witness.more["lag"] = {
        "half within s": round(ordered[len(ordered) // 2], 2),
        "95 % within s": round(ordered[math.ceil(len(ordered) * 0.95) - 1], 2),
    }


@then(parsers.parse("the read model says that it lags by less than {minutes:d} minutes"))
def says_its_lag(kit: Kit, scene: Scene, minutes: int) -> None:
    """By the heartbeat, of which one is sent now and not only when its minute comes."""
    invoke(kit.target, "heartbeat", {})
    until(
        "the read model's lag",
        lambda: scene.owner.read("/orders").headers.get("read-model-lag", ""),
        lambda lag: lag.isdigit() and int(lag) < minutes * 60,
        at_most_s=HEARTBEAT_S,
    )


@then("every read model shows the same of these orders")
def alike(kit: Kit, scene: Scene) -> None:
    """Through the API: by id, by key, in the list and in the sum; and folded from the events."""
    for customer_id, newest in _newest(kit, scene).items():
        until(
            "all show the same",
            partial(_differences, kit.customer(customer_id), newest),
            lambda found: not found,
            at_most_s=ALIKE_WITHIN_S,
        )
    kit.witness.saw("orders in every read model", len(scene.streams))


def _newest(kit: Kit, scene: Scene) -> dict[str, dict[str, int]]:
    """By customer and order, the newest version of it that was accepted."""
    versions: dict[str, int] = {}
    for answer in scene.accepted:
        order_id = answer.body["order_id"]
        versions[order_id] = max(versions.get(order_id, 0), answer.body["version"])
    found: dict[str, dict[str, int]] = {}
    for order_id, version in versions.items():
        customer_id = kit.commits(f"order-{order_id}")[0].actor
        found.setdefault(customer_id, {})[order_id] = version
    return found


def _differences(owner: Customer, newest: Mapping[str, int]) -> dict[str, object]:
    """What each says otherwise than the event store; these are all orders of the customer."""
    listed = {each["order_id"]: each for each in owner.read("/orders").body.get("orders", [])}
    strong = {each: owner.read(f"/orders/{each}?consistency=strong").body for each in newest}
    found: dict[str, object] = {}
    for order_id, version in newest.items():
        told = {
            "by id": owner.read(f"/orders/{order_id}?min_version={version}").body,
            "by key": owner.read(f"/orders/{order_id}/status?min_version={version}").body,
            "list": listed.get(order_id, {}),
        }
        found |= {
            f"{order_id} {where}": body
            for where, body in told.items()
            if "version" not in body
            or any(body.get(name) != strong[order_id][name] for name in body if name in HELD)
        }
    sums = owner.read("/customer-summary").body.get("currencies", [])
    wanted = _summed(strong.values())
    if [{name: one[name] for name in wanted} for one in sums] != [wanted]:
        found["sum"] = sums
    return found


def _summed(orders: Collection[Mapping[str, Any]]) -> dict[str, int]:
    standing = [order["total"] for order in orders if order["status"] != "cancelled"]
    return {
        "orders": len(orders),
        "cancelled": len(orders) - len(standing),
        "total": sum(standing),
        "paid": sum(order["paid"] for order in orders),
    }
