"""A customer's journey against an API that answers as told, on a clock that nobody waits for."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from load.answers import Answer
from load.customer import Customer, Receipts, Took, command_id
from load.journey import (
    Cancel,
    Journey,
    ListOwn,
    Pay,
    Place,
    ReadOwn,
    Step,
    plan,
    read_examples,
)
from load.verdict import Accepted
from reference_service.schemas import Schemas

ORDER = "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f"
EXAMPLES = read_examples()


class Time:
    """Passes only when somebody waits or an answer takes long."""

    def __init__(self) -> None:
        self.moment = 0.0

    def now(self) -> float:
        return self.moment

    def wait_until(self, moment: float) -> None:
        self.moment = max(self.moment, moment)


class Scripted:
    """Answers in turn; `requests` is what came."""

    def __init__(self, clock: Time, *answers: tuple[float, Answer]) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.requests.append((method, path, headers, body))
        took_s, answer = self.answers.pop(0)
        self.clock.moment += took_s
        return answer


def told(status: int, state: str, version: int, commit: int, **differing: Any) -> Answer:
    body = {"order_id": ORDER, "status": state, "version": version, "commit": commit} | differing
    headers = {"etag": f'"{version}"', "location": f"/orders/{ORDER}"}
    return Answer(status, headers, json.dumps(body).encode())


PLACED = told(201, "placed", 1, 1)
PART = told(200, "placed", 2, 2)
NO_ANSWER = Answer(0, problem="no answer: reset")
PLACE, PAY = Place({"lines": []}), Pay({"payment_id": "p"}, last=False)


def lived(
    steps: list[tuple[float, Step]], *answers: tuple[float, Answer]
) -> tuple[list[Took], Receipts, Scripted]:
    clock, receipts, took = Time(), Receipts(), list[Took]()
    api = Scripted(clock, *answers)
    Customer(api, "token", receipts, took.append, clock).live(Journey("c", tuple(steps)), 10.0)
    return took, receipts, api


def test_latency_counts_from_the_moment_the_request_was_meant_to_be_sent() -> None:
    steps = [(0.0, PLACE), (0.5, PAY), (4.0, ListOwn())]
    listed = Answer(200, {}, json.dumps({"orders": [{"order_id": ORDER}]}).encode())
    took, _, _ = lived(steps, (3.0, PLACED), (0.1, PART), (0.1, listed))
    assert [each.latency_ms for each in took] == pytest.approx([3000, 2600, 100])
    assert [each.fault for each in took] == [None, None, None]


def test_what_was_not_answered_is_sent_again_with_the_same_key_and_counts_once() -> None:
    took, receipts, api = lived([(0.0, PLACE)], (0.1, NO_ANSWER), (0.1, PLACED))
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in api.requests}
    assert len(keys) == 1
    accepted = Accepted(command_id("c", keys.pop()), f"order-{ORDER}", 1, 1)
    assert list(receipts.accepted.values()) == [accepted]
    assert (receipts.unanswered, len(took)) == (set(), 1)
    assert took[0].latency_ms == pytest.approx(300)


def test_a_command_that_is_never_answered_stays_unanswered_and_ends_a_new_order() -> None:
    steps = [(0.0, PLACE), (0.5, PAY)]
    took, receipts, api = lived(steps, *[(0.0, NO_ANSWER)] * 4)
    assert len(api.requests) == 4
    assert (len(receipts.unanswered), receipts.accepted, receipts.refused) == (1, {}, set())
    assert [each.fault for each in took] == ["no answer: reset"]


def test_a_customer_gives_up_when_a_payment_gets_no_answer() -> None:
    steps = [(0.0, PLACE), (0.5, PAY), (1.0, ReadOwn())]
    took, receipts, _ = lived(steps, (0.0, PLACED), *[(0.0, NO_ANSWER)] * 4)
    assert len(took) == 2
    assert (len(receipts.accepted), len(receipts.unanswered)) == (1, 1)


def test_a_refusal_is_remembered() -> None:
    late = Cancel({"reason": "other"}, contested=True)
    took, receipts, _ = lived([(0.0, PLACE), (1.0, late)], (0.0, PLACED), (0.0, Answer(409)))
    assert (len(receipts.accepted), len(receipts.refused)) == (1, 1)
    assert took[1].fault is None


WRONG: dict[str, tuple[Step, Answer]] = {
    "another status": (PAY, told(200, "confirmed", 2, 2)),
    "a version that skips": (PAY, told(200, "placed", 3, 3)),
    "another order": (PAY, told(200, "placed", 2, 2, order_id=ORDER[::-1])),
    "no commit": (PAY, told(200, "placed", 2, 0)),
    "another ETag": (PAY, Answer(200, {"etag": '"9"'}, PART.content)),
    "no JSON": (PAY, Answer(200, {"etag": '"2"'}, b"OK")),
    "a stale precondition": (PAY, Answer(412)),
    "a refused cancellation of an unpaid order": (Cancel({}, contested=False), Answer(409)),
    "an older row": (ReadOwn(), told(200, "placed", 0, 1)),
    "a foreign row": (ReadOwn(), told(200, "placed", 1, 1, order_id=ORDER[::-1])),
    "not yet visible": (ReadOwn(), Answer(503)),
    "a list without the order": (ListOwn(), Answer(200, {}, b'{"orders": []}')),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_that_is_not_as_promised_is_a_failure(wrong: str) -> None:
    step, answer = WRONG[wrong]
    took, _, _ = lived([(0.0, PLACE), (1.0, step)], (0.0, PLACED), *[(0.0, answer)] * 4)
    assert took[0].fault is None
    assert took[1].fault


def test_a_placed_order_must_be_told_where_it_is() -> None:
    took, _, _ = lived([(0.0, PLACE)], (0.0, Answer(201, {"etag": '"1"'}, PLACED.content)))
    assert took[0].fault == "the location is None"


def test_journeys_pay_exactly_what_the_order_costs_with_bodies_the_contracts_take() -> None:
    schemas, random = Schemas.load(), Random(5)
    check: dict[type[Step], Callable[[Any], Any]] = {
        Place: lambda step: schemas.check("commands/place_order/v1", step.body),
        Pay: lambda step: schemas.check("commands/receive_payment/v1", step.body),
        Cancel: lambda step: schemas.check("commands/cancel_order/v1", step.body),
    }
    cancelled = 0
    for number in range(500):
        journey = plan(f"c-{number}", EXAMPLES, random)
        steps = [step for _, step in journey.steps]
        moments = [moment for moment, _ in journey.steps]
        assert moments == sorted(set(moments))
        assert [check[type(step)](step) for step in steps if type(step) in check]
        assert not any(check[type(step)](step) for step in steps if type(step) in check)
        order, paid = steps[0], [step for step in steps if isinstance(step, Pay)]
        assert isinstance(order, Place)
        total = sum(line["quantity"] * line["unit_price"]["amount"] for line in order.body["lines"])
        amounts = [step.body["amount"]["amount"] for step in paid]
        assert (sum(amounts) == total) == any(step.last for step in paid)
        assert sum(amounts) <= total
        assert len({step.body["payment_id"] for step in paid}) == len(paid)
        cancelled += any(isinstance(step, Cancel) for step in steps)
    assert 40 <= cancelled <= 120


def test_one_seed_gives_the_same_journeys() -> None:
    journeys = [[plan("c", EXAMPLES, Random(9)) for _ in range(20)] for _ in range(2)]
    assert journeys[0] == journeys[1]
