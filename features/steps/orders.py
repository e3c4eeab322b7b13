"""Orders that are there when a scenario begins, and orders that live their whole life."""

import math
from concurrent.futures import ThreadPoolExecutor

from pytest_bdd import given, parsers, step

from bitacora.audit.until import until
from features.harness.customers import TOTAL, Answer, Customer, cancellation, payment, placement
from features.harness.kit import Kit
from features.harness.scene import Scene

AT_ONCE = 4
ORDERS_EACH = 3
VISIBLE_WITHIN_S = 60


@given("a customer")
def a_customer(kit: Kit, scene: Scene) -> None:
    scene.customer = kit.new_customer()


@given(parsers.parse("an order at version {version:d}"))
def an_order(kit: Kit, scene: Scene, version: int) -> None:
    """Placed, and paid in parts of one minor unit until it is there."""
    scene.customer = kit.new_customer()
    placed = scene.customer.get_through(placement())
    assert placed.status == 201, placed
    scene.order_id = placed.body["order_id"]
    scene.streams = {scene.stream}
    for _ in range(version - 1):
        paid = scene.customer.get_through(payment(scene.order_id))
        assert paid.status == 200, paid


@given(parsers.parse("an order that is visible at version {version:d}"))
def a_visible_order(kit: Kit, scene: Scene, version: int) -> None:
    an_order(kit, scene, version)
    for where in ("", "/status"):
        until(
            f"the order is visible at version {version}, at {where or '/'}",
            lambda where=where: scene.owner.read(f"/orders/{scene.order_id}{where}"),  # type: ignore[misc]
            lambda answer: answer.body.get("version") == version,
            at_most_s=VISIBLE_WITHIN_S,
        )


@step(parsers.re(r"(?P<count>\d+) orders (have lived|live) their life"), converters={"count": int})
def orders_live(kit: Kit, scene: Scene, count: int) -> None:
    """A third is paid at once, a third in two parts, a third cancelled after a part; a customer
    has up to one of each."""
    customers = [kit.new_customer() for _ in range(math.ceil(count / ORDERS_EACH))]
    with ThreadPoolExecutor(AT_ONCE) as devices:
        owners = (customers[number // ORDERS_EACH] for number in range(count))
        lives = devices.map(_live, owners, range(count))
    scene.accepted = [answer for life in lives for answer in life]
    scene.streams = {f"order-{answer.body['order_id']}" for answer in scene.accepted}
    assert len(scene.streams) == count


def another_lives(kit: Kit, scene: Scene, number: int) -> None:
    """One more, of a customer of its own."""
    answers = _live(kit.new_customer(), number)
    scene.accepted += answers
    scene.streams.add(f"order-{answers[0].body['order_id']}")


def _live(customer: Customer, number: int) -> list[Answer]:
    placed = customer.get_through(placement())
    assert placed.status == 201, placed
    order_id = placed.body["order_id"]
    commands = (
        [payment(order_id, TOTAL)],
        [payment(order_id, 1), payment(order_id, TOTAL - 1)],
        [payment(order_id, 1), cancellation(order_id)],
    )[number % 3]
    answers = [customer.get_through(command) for command in commands]
    assert [answer.status for answer in answers] == [200] * len(commands), answers
    return [placed, *answers]
