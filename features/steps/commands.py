"""Commands that customers send, and what they are told."""

from uuid import uuid4

from pytest_bdd import given, parsers, then, when

from features.harness.customers import TOTAL, Request, cancellation, payment, placement
from features.harness.kit import Kit
from features.harness.scene import Scene


@given(parsers.parse("{count:d} devices of its customer are in use"))
def devices_in_use(scene: Scene, count: int) -> None:
    """Each has just been told that some order is unknown: as many function instances are warm, or
    the first would be through before the second has begun."""
    scene.devices = count
    answers = scene.owner.send_at_once([payment(str(uuid4())) for _ in range(count)])
    assert {answer.status for answer in answers} == {404}, answers


@when(
    parsers.parse(
        "a third of them pay a part, a third pay all and a third cancel at once, "
        "each at version {version:d}"
    )
)
def many_devices(scene: Scene, version: int) -> None:
    """To pay all makes two events, the others one."""
    rest, order_id = TOTAL - (version - 1), scene.order_id
    scene.answers = scene.owner.send_at_once(
        [
            (
                payment(order_id, expected_version=version),
                payment(order_id, rest, expected_version=version),
                cancellation(order_id, expected_version=version),
            )[number % 3]
            for number in range(scene.devices)
        ]
    )


@when("its customer pays a part")
def pay_a_part(scene: Scene) -> None:
    scene.request = payment(scene.order_id)
    scene.answers = [scene.owner.send(scene.request)]


@when(parsers.parse("its customer sends the same payment {times:d} times with one Idempotency-Key"))
def pay_repeatedly(scene: Scene, times: int) -> None:
    scene.request = payment(scene.order_id)
    scene.answers = [scene.owner.send(scene.request) for _ in range(times)]


@when("the customer sends the same command with the same Idempotency-Key again")
def repeat(scene: Scene) -> None:
    scene.answers.append(scene.owner.send(scene.last_request))


@when("another payment is accepted")
def another_payment(scene: Scene) -> None:
    answer = scene.owner.send(payment(scene.order_id))
    assert answer.status == 200, answer


@when("the customer sends another payment with that Idempotency-Key")
def reuse_the_key(scene: Scene) -> None:
    other = payment(scene.order_id, amount=2)
    scene.answers = [scene.owner.send(Request(other.path, other.body, scene.last_request.key))]


@when(
    parsers.parse(
        "the customer sends the same order {count:d} times at once with one Idempotency-Key"
    )
)
def place_repeatedly(scene: Scene, count: int) -> None:
    scene.answers = scene.owner.send_at_once([placement()] * count)
    scene.order_id = scene.answers[0].body.get("order_id", "")


@then("exactly one is accepted")
def one_accepted(scene: Scene) -> None:
    statuses = [answer.status for answer in scene.answers]
    assert statuses.count(200) == 1, statuses


@then("the others are told that the order has moved on")
def others_are_told(scene: Scene) -> None:
    """To the version that it has; by then it may be shipped."""
    [accepted] = [answer for answer in scene.answers if answer.status == 200]
    others = [answer for answer in scene.answers if answer.status != 200]
    told = {(answer.status, answer.body.get("type")) for answer in others}
    assert told == {(412, "urn:bitacora:problem:stale")}
    assert min(answer.body["version"] for answer in others) >= accepted.body["version"]


@then(parsers.parse("the customer is told that the payment made version {version:d}"))
def told_the_version(scene: Scene, version: int) -> None:
    answer = scene.answers[-1]
    told = (answer.status, answer.headers.get("etag"), answer.body.get("version"))
    assert told == (200, f'"{version}"', version), answer


@then("the customer is told that the outcome is unknown")
def told_unknown(scene: Scene) -> None:
    answer = scene.answers[-1]
    told = (answer.status, answer.body.get("type"))
    assert told == (503, "urn:bitacora:problem:outcome-unknown"), answer


@then("every answer is the same")
def same_answers(scene: Scene) -> None:
    first, *others = scene.answers
    assert first.status in (200, 201), first
    assert [answer.told for answer in others] == [first.told] * len(others)


@then("it is refused, because the key belongs to another command")
def key_belongs_to_another(scene: Scene) -> None:
    told = [(answer.status, answer.body.get("type")) for answer in scene.answers]
    assert told == [(422, "urn:bitacora:problem:idempotency-key-reused")]


@then("the customer has one order")
def one_order(kit: Kit, scene: Scene) -> None:
    owner = scene.owner.customer_id
    first = [commits[0] for commits in kit.observe(ledger=False).commits.values()]
    assert [commit.stream for commit in first if commit.actor == owner] == [scene.stream]
