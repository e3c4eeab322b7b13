"""Addresses are stored sealed, shown open, and end with their key; a crash in between heals."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from bitacora.faults import FaultProxy, LoseAnswer, Refuse, Rule
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.items import to_item
from reference_service.aws.personal_keys import DynamoDBPersonalKeys
from reference_service.cqrs.commit import Commit, sealed
from tests.functions.stage import (
    HISTORY,
    LIST,
    ORDER,
    VALUES,
    Project,
    Stage,
    body_of,
    failures,
    http,
    log_event,
    problem,
)
from tests.functions.test_command import DELIVERY, PAY, PLACE, payment
from tests.functions.test_command import ORDER as ORDERED

ERASE = "DELETE /personal-data"
SECRETS = [value for name, value in DELIVERY.items() if name != "country"]


class Shop:
    """A customer of their own for each test, and the functions that they meet."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.customer = f"customer-{uuid4().hex[:8]}"
        self.command = stage.function("command")
        self.query = stage.function("query")
        self.query.WAIT_S = 0.2
        self.erasure = stage.function("erasure")

    def place(self, key: str | None = None, order: Any = ORDERED) -> dict[str, Any]:
        asked = http(PLACE, body=order, subject=self.customer, idempotency_key=key or uuid4().hex)
        answer: dict[str, Any] = self.command.handler(asked, None)
        return answer

    def placed(self) -> str:
        order_id: str = body_of(self.place())["order_id"]
        return order_id

    def erase(self, key: str | None = None) -> dict[str, Any]:
        asked = http(ERASE, subject=self.customer, idempotency_key=key or uuid4().hex)
        answer: dict[str, Any] = self.erasure.handler(asked, None)
        return answer

    def read(self, route: str, order_id: str | None = None, **query: str) -> Any:
        asked = http(route, subject=self.customer, order_id=order_id, query=query)
        return body_of(self.query.handler(asked, None))

    def seen(self, order_id: str) -> dict[str, Any]:
        """The address as every way to read shows it."""
        return {
            "strong": self.read(ORDER, order_id, consistency="strong")["delivery"],
            "version": self.read(ORDER, order_id, version="1")["delivery"],
            "history": self.read(HISTORY, order_id)["events"][0]["data"]["delivery"],
            "projected": self.read(ORDER, order_id)["delivery"],
            "listed": self.read(LIST)["orders"][0]["delivery"],
        }

    def commits(self, stream: str) -> list[Commit]:
        store = DynamoDBEventStore(self.stage.client("dynamodb"), VALUES["EVENTS_TABLE"])
        return store.load(stream)

    @property
    def erasures(self) -> list[Commit]:
        return self.commits(f"customer-{self.customer}")

    @property
    def keys(self) -> DynamoDBPersonalKeys:
        return DynamoDBPersonalKeys(self.stage.client("dynamodb"), VALUES["PERSONAL_KEYS_TABLE"])

    @property
    def key(self) -> str | None:
        return self.keys.current(self.customer)


@pytest.fixture
def faults(stage: Stage) -> Iterator[FaultProxy]:
    """Between a function that is made with its URL and the cloud."""
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        yield proxy


@pytest.fixture
def shop(stage_with_database: Stage) -> Shop:
    return Shop(stage_with_database)


def test_an_address_is_stored_sealed_and_shown_open(shop: Shop, project: Project) -> None:
    order_id = shop.placed()
    commits = shop.commits(f"order-{order_id}")
    assert not [secret for secret in SECRETS if secret in commits[0].body]
    project(commits)
    seen = shop.seen(order_id)
    assert list(seen.values()) == [DELIVERY] * len(seen)


def test_the_fingerprint_of_a_command_does_not_tell_the_address(shop: Shop) -> None:
    """Two customers with one address and one key: a plain hash would be the same."""
    other = Shop(shop.stage)
    orders = [body_of(each.place("same-key"))["order_id"] for each in (shop, other)]
    prints = {shop.commits(f"order-{order_id}")[0].fingerprint for order_id in orders}
    assert len(prints) == 2


def test_a_repeat_is_known_by_its_address_too(shop: Shop) -> None:
    first = shop.place("key")
    assert shop.place("key") == first
    moved = ORDERED | {"delivery": DELIVERY | {"street": "Calle 2"}}
    assert problem(shop.place("key", moved)) == (422, "idempotency-key-reused")


def test_a_customer_has_one_key_for_all_orders(shop: Shop) -> None:
    shop.placed()
    key = shop.key
    shop.placed()
    assert key is not None
    assert shop.key == key


def test_after_an_erasure_every_way_to_read_shows_none(shop: Shop, project: Project) -> None:
    order_id = shop.placed()
    project(shop.commits(f"order-{order_id}"))
    answer = shop.erase()
    assert (answer["statusCode"], body_of(answer)) == (200, {"version": 1, "commit": 1})
    assert shop.key is None
    seen = shop.seen(order_id)
    assert list(seen.values()) == [None] * len(seen)


def test_an_order_goes_on_after_an_erasure(shop: Shop) -> None:
    order_id = shop.placed()
    shop.erase()
    paid = http(
        PAY, body=payment(300), order_id=order_id, subject=shop.customer, idempotency_key="pay"
    )
    assert body_of(shop.command.handler(paid, None))["status"] == "confirmed"


def test_what_is_ordered_later_has_another_key(shop: Shop) -> None:
    before = shop.placed()
    shop.erase()
    after = shop.placed()
    addresses = [
        shop.read(ORDER, order_id, consistency="strong")["delivery"] for order_id in (before, after)
    ]
    assert addresses == [None, DELIVERY]


def test_an_erasure_with_nothing_to_erase_changes_nothing(shop: Shop) -> None:
    assert body_of(shop.erase()) == {"version": 0, "commit": 0}
    shop.placed()
    assert body_of(shop.erase()) == body_of(shop.erase()) == {"version": 1, "commit": 1}
    assert len(shop.erasures) == 1


def test_a_repeat_does_not_destroy_the_key_of_later_orders(shop: Shop) -> None:
    shop.placed()
    first = shop.erase("key")
    shop.placed()
    key = shop.key
    assert shop.erase("key") == first
    assert shop.key == key is not None


def test_an_erasure_concerns_its_own_customer_alone(shop: Shop) -> None:
    other = Shop(shop.stage)
    order_id = other.placed()
    shop.placed()
    shop.erase()
    assert other.read(ORDER, order_id, consistency="strong")["delivery"] == DELIVERY


def test_a_repeated_placement_after_the_erasure_makes_no_second_order(shop: Shop) -> None:
    """Whether it asks for the same address nobody can tell any more."""
    order_id = body_of(shop.place("key"))["order_id"]
    shop.erase()
    assert problem(shop.place("key")) == (422, "idempotency-key-reused")
    assert len(shop.commits(f"order-{order_id}")) == 1


def test_an_erasure_without_idempotency_key_is_refused(shop: Shop) -> None:
    answer = shop.erasure.handler(http(ERASE, subject=shop.customer), None)
    assert problem(answer) == (400, "idempotency-key-required")


def test_what_was_committed_and_not_done_is_finished_from_the_log(shop: Shop) -> None:
    """As if the process had ended between commit and deletion: the key is put back."""
    shop.placed()
    item = wrapped_key(shop)
    shop.erase()
    shop.stage.client("dynamodb").put_item(TableName=VALUES["PERSONAL_KEYS_TABLE"], Item=item)
    assert shop.key is not None
    for _ in range(2):  # at least once, so it may be twice
        assert failures(shop.erasure.handler(log_event(shop.erasures), None)) == []
        assert shop.key is None


def test_the_log_does_not_destroy_the_key_of_later_orders(shop: Shop) -> None:
    shop.placed()
    shop.erase()
    shop.placed()
    key = shop.key
    assert failures(shop.erasure.handler(log_event(shop.erasures), None)) == []
    assert shop.key == key is not None


def test_an_unreadable_erasure_holds_up_no_other(shop: Shop, capsys: Any) -> None:
    other = Shop(shop.stage)
    for each in (shop, other):
        each.placed()
    item = wrapped_key(other)
    for each in (shop, other):
        each.erase()
    other.stage.client("dynamodb").put_item(TableName=VALUES["PERSONAL_KEYS_TABLE"], Item=item)
    [commit] = shop.erasures
    poison = sealed(msgspec.structs.replace(commit, body="[]"))
    event = log_event([poison], other.erasures)
    assert failures(shop.erasure.handler(event, None)) == []
    assert other.key is None
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["Parked"] == 1
    assert list(line["parked"]) == [commit.stream]


def wrapped_key(shop: Shop) -> Any:
    return shop.stage.client("dynamodb").get_item(
        TableName=VALUES["PERSONAL_KEYS_TABLE"], Key={"customer_id": {"S": shop.customer}}
    )["Item"]


@pytest.fixture
def erasing(shop: Shop, faults: FaultProxy) -> Any:
    """The erasure function behind the proxy, and a rule on what it asks of DynamoDB."""
    shop.placed()
    shop.erasure = shop.stage.function("erasure", endpoint=faults.url)
    return lambda operation, fault, times=None: faults.inject(
        Rule(fault=fault, service="dynamodb", operation=operation, times=times)
    )


def test_a_key_that_can_not_be_destroyed_now_leaves_the_outcome_open(
    shop: Shop, erasing: Any, faults: FaultProxy
) -> None:
    erasing("DeleteItem", Refuse())
    assert problem(shop.erase("key")) == (503, "outcome-unknown")
    assert shop.key is not None
    event = log_event(shop.erasures)
    assert failures(shop.erasure.handler(event, None)) == [
        record["kinesis"]["sequenceNumber"] for record in event["Records"]
    ]
    faults.clear()
    assert body_of(shop.erase("key")) == {"version": 1, "commit": 1}
    assert shop.key is None


def test_a_lost_answer_of_a_deletion_is_no_failure(shop: Shop, erasing: Any) -> None:
    erasing("DeleteItem", LoseAnswer(), times=1)
    assert shop.erase()["statusCode"] == 200
    assert shop.key is None


def test_an_operator_erases_by_invocation(shop: Shop) -> None:
    shop.placed()
    answer = shop.erasure.handler({"operation": "erase", "customer": shop.customer}, None)
    assert answer == {"version": 1, "commit": 1, "destroyed": answer["destroyed"]}
    assert len(answer["destroyed"]) == 1
    assert shop.key is None
    assert shop.erasures[0].actor == "operator"


@pytest.mark.parametrize(
    "event", [{}, {"operation": "erase"}, {"operation": "erase", "customer": "order/1"}]
)
def test_what_is_no_operation_is_told(shop: Shop, event: Any) -> None:
    assert "error" in shop.erasure.handler(event, None)


def test_an_address_that_was_exchanged_is_told_and_not_shown(shop: Shop) -> None:
    """Sealed text is bound to its order: copied to another it does not open."""
    one, other = shop.placed(), shop.placed()
    table = shop.stage.client("dynamodb")
    stolen = json.loads(shop.commits(f"order-{one}")[0].body)[0]["data"]["delivery"]
    commit = shop.commits(f"order-{other}")[0]
    [entry] = json.loads(commit.body)
    entry["data"]["delivery"] = stolen
    forged = sealed(msgspec.structs.replace(commit, body=json.dumps([entry])))
    table.put_item(TableName=VALUES["EVENTS_TABLE"], Item=to_item(forged))
    asked = http(ORDER, subject=shop.customer, order_id=other, query={"consistency": "strong"})
    assert problem(shop.query.handler(asked, None)) == (500, "unreadable-history")


@pytest.mark.parametrize(
    ("service", "operation"), [("kms", "GenerateDataKey"), ("dynamodb", "GetItem")]
)
def test_no_order_is_placed_when_its_address_can_not_be_sealed(
    shop: Shop, faults: FaultProxy, service: str, operation: str
) -> None:
    shop.command = shop.stage.function("command", endpoint=faults.url)
    fault = Refuse()
    faults.inject(Rule(fault=fault, service=service, operation=operation, times=None))
    assert problem(shop.place()) == (503, "unavailable")
    assert shop.key is None
