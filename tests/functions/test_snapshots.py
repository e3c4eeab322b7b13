"""Snapshots of orders: off by default; when on, nothing but time tells."""

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from bitacora.faults import Delay, FaultProxy, Refuse, Rule
from reference_service import bootstrap
from reference_service.settings import CommandWorkerSettings, SettingsError
from tests.functions.stage import VALUES, Stage, body_of, failures, http, queue_event
from tests.functions.test_command import DELIVERY, ORDER, PAY, PLACE, payment
from tests.functions.test_queues import dispatched_event

EVERY = 3
TABLE = VALUES["SNAPSHOTS_TABLE"]
ON = {"SNAPSHOTS_TABLE": TABLE, "SNAPSHOT_EVERY": str(EVERY)}
LARGE = {**ORDER, "lines": [{**ORDER["lines"][0], "quantity": 1000}]}  # type: ignore[index]


@dataclass
class Customer:
    """Sends commands to the command function, and counts what those ask of DynamoDB."""

    command: Any
    proxy: FaultProxy

    def send(self, route: str, body: Any, key: str = "", **options: Any) -> dict[str, Any]:
        event = http(route, body=body, idempotency_key=key or str(uuid4()), **options)
        answer: dict[str, Any] = self.command.handler(event, None)
        return answer

    def calls(self, route: str, body: Any, **options: Any) -> dict[str, int]:
        """How often each operation of DynamoDB was called for this command."""
        before = self._seen()
        assert self.send(route, body, **options)["statusCode"] < 300
        asked = {name: count - before[name] for name, count in self._seen().items()}
        return {name: count for name, count in asked.items() if count}

    def _seen(self) -> dict[str, int]:
        return {n: self.proxy.seen("dynamodb", n) for n in ("GetItem", "Query", "PutItem", "Scan")}


@pytest.fixture
def proxy(stage: Stage) -> Iterator[FaultProxy]:
    with FaultProxy(lambda: stage.emulator.endpoint) as running:
        yield running


@pytest.fixture
def without(stage: Stage, proxy: FaultProxy) -> Customer:
    return Customer(stage.function("command", endpoint=proxy.url), proxy)


@pytest.fixture
def having(stage: Stage, proxy: FaultProxy) -> Customer:
    return Customer(stage.function("command", endpoint=proxy.url, **ON), proxy)


def place(customer: Customer) -> str:
    placed: str = body_of(customer.send(PLACE, LARGE))["order_id"]
    return placed


def snapshot_of(stage: Stage, order_id: str) -> dict[str, Any] | None:
    key = {"stream": {"S": f"order-{order_id}"}}
    item: dict[str, Any] | None = (
        stage.client("dynamodb").get_item(TableName=TABLE, Key=key).get("Item")
    )
    return item


def test_by_default_a_command_is_one_query_and_one_conditional_write(without: Customer) -> None:
    order_id = place(without)
    for _ in range(2 * EVERY):
        asked = without.calls(PAY, payment(1), order_id=order_id)
        assert asked == {"Query": 1, "PutItem": 1}


def test_with_snapshots_one_read_more_and_a_write_when_it_is_due(having: Customer) -> None:
    order_id = place(having)
    asked = [having.calls(PAY, payment(1), order_id=order_id) for _ in range(2 * EVERY)]
    ordinary, due = {"GetItem": 1, "Query": 1, "PutItem": 1}, {"GetItem": 1, "Query": 1}
    assert asked == [ordinary, due | {"PutItem": 2}, ordinary] * 2


def test_answers_are_the_same_with_them_and_without(
    stage: Stage, having: Customer, without: Customer
) -> None:
    order_id = place(having)
    payments = [payment(10 + number) for number in range(7)]
    keys = [str(uuid4()) for _ in payments]
    answers = [
        having.send(PAY, paid, key, order_id=order_id)
        for paid, key in zip(payments, keys, strict=True)
    ]
    assert snapshot_of(stage, order_id)
    for customer in (having, without):
        for paid, key, answer in zip(payments, keys, answers, strict=True):
            assert customer.send(PAY, paid, key, order_id=order_id) == answer
            counted = customer.send(PAY, paid, order_id=order_id)
            assert counted["statusCode"] == 409
            assert body_of(counted)["type"].endswith(":payment-counted")
            reused = customer.send(PAY, payment(1), key, order_id=order_id)
            assert body_of(reused)["type"].endswith(":idempotency-key-reused")
    assert body_of(answers[-1])["version"] == 8


def test_the_worker_takes_them_too(stage: Stage, having: Customer) -> None:
    order_id = place(having)
    having.send(PAY, payment(1), order_id=order_id)
    dispatched = dispatched_event(1)
    dispatched["data"]["order_id"] = order_id
    worker = stage.function("command_worker", **ON)
    for _ in range(2):
        assert failures(worker.handler(queue_event(dispatched), None)) == []
    item = snapshot_of(stage, order_id)
    assert item
    assert item["commit"] == {"N": "3"}


def test_nothing_personal_stands_in_a_snapshot(stage: Stage, having: Customer) -> None:
    order_id = place(having)
    for _ in range(EVERY):
        having.send(PAY, payment(1), order_id=order_id)
    item = snapshot_of(stage, order_id)
    assert item
    stored = repr(item) + zlib.decompress(item["state"]["B"]).decode()
    assert '"sku":"pen"' in stored
    assert not [value for value in DELIVERY.values() if len(value) > 2 and value in stored]


@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
def test_a_command_is_done_although_the_table_of_snapshots_is_away(
    having: Customer, operation: str
) -> None:
    order_id = place(having)
    having.proxy.inject(
        Rule(
            fault=Refuse(),
            service="dynamodb",
            operation=operation,
            body=lambda body: TABLE.encode() in body,
            times=None,
        )
    )
    for number in range(2 * EVERY):
        answer = having.send(PAY, payment(1), order_id=order_id)
        assert (answer["statusCode"], body_of(answer)["version"]) == (200, number + 2)


def test_a_table_of_snapshots_that_hangs_costs_a_second_at_most(having: Customer) -> None:
    order_id = place(having)
    having.send(PAY, payment(1), order_id=order_id)
    slow = Rule(
        fault=Delay(3),
        service="dynamodb",
        operation="*Item",
        body=lambda body: TABLE.encode() in body,
        times=None,
    )
    having.proxy.inject(slow)
    started = time.monotonic()
    answer = having.send(PAY, payment(1), order_id=order_id)
    assert answer["statusCode"] == 200
    assert time.monotonic() - started < 2  # half a second to read, half a second to write


def test_a_table_that_is_gone_fails_no_command(stage: Stage) -> None:
    command = stage.function("command", **ON | {"SNAPSHOTS_TABLE": "deleted"})
    answer = command.handler(http(PLACE, body=ORDER, idempotency_key=str(uuid4())), None)
    assert answer["statusCode"] == 201


def test_snapshots_without_a_table_are_a_fault_of_the_settings() -> None:
    settings = CommandWorkerSettings(events_table="events", writes=(), snapshot_every=1)
    with pytest.raises(SettingsError, match="SNAPSHOTS_TABLE is missing"):
        bootstrap.command_worker(settings)
