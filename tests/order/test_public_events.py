"""What other services are told of an order."""

import json
from typing import Any

import msgspec
import pytest

from reference_service.order.decider import evolve, initial
from reference_service.order.events import Event, ReturnRequested
from reference_service.order.public import published
from reference_service.public_events import VERSIONS
from reference_service.public_events import Event as PublicEvent
from reference_service.public_writer import PublicWriter
from reference_service.schemas import CONTRACTS as FOLDER
from reference_service.schemas import Schemas, event_schema, urn
from tests.order.ana import ANA, CANCELLED, PLACED, SHIPPED, TOTAL, euros, paid

CONTRACTS = Schemas.load()
ORDER_ID = "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f"
RETURNED = (*CANCELLED, ReturnRequested(shipment_id="shipment-1", reason="order_cancelled"))


def told(*history: Event) -> list[PublicEvent | None]:
    state, said = initial(), []
    for version, event in enumerate(history, start=1):
        state = evolve(state, event)
        said.append(published(ORDER_ID, version, event, state))
    return said


def said(event: PublicEvent | None) -> tuple[str, Any] | None:
    return None if event is None else (type(event).__name__, as_json(event))


def as_json(event: PublicEvent) -> Any:
    return json.loads(msgspec.json.encode(event))


def test_an_orders_life_is_told_with_ids_and_versions() -> None:
    of_ana = {"order_id": ORDER_ID, "customer_id": ANA}
    total = {"amount": TOTAL.amount, "currency": "EUR"}
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in PLACED.lines]
    assert [said(event) for event in told(*SHIPPED)] == [
        ("OrderPlaced", {**of_ana, "version": 1, "total": total}),
        None,
        ("OrderConfirmed", {**of_ana, "version": 3, "lines": lines, "total": total}),
        ("OrderShipped", {**of_ana, "version": 4, "shipment_id": "shipment-1"}),
    ]
    assert [said(event) for event in told(*RETURNED)[1:]] == [
        ("OrderCancelled", {**of_ana, "version": 2, "reason": "changed_mind"}),
        (
            "ReturnRequested",
            {**of_ana, "version": 3, "shipment_id": "shipment-1", "reason": "order_cancelled"},
        ),
    ]


def test_a_payment_is_not_told() -> None:
    assert told(PLACED, paid(euros(1)))[1] is None


FIRST_VERSIONS = dict.fromkeys(VERSIONS, 1)


@pytest.mark.parametrize("writes", [FIRST_VERSIONS, VERSIONS])
@pytest.mark.parametrize("history", [SHIPPED, RETURNED])
def test_what_is_told_keeps_the_contract_that_it_names(
    history: tuple[Event, ...], writes: dict[str, int]
) -> None:
    writer = PublicWriter(CONTRACTS, writes)
    for event in filter(None, told(*history)):
        content = writer.content(event)
        name = event_schema("public", content["type"], writes[content["type"]])
        assert content["dataschema"] == urn(name)
        assert CONTRACTS.check(name, content["data"]) == ()


def test_readers_go_first_and_writers_follow_by_configuration() -> None:
    confirmed = told(*SHIPPED)[2]
    assert confirmed is not None
    first = PublicWriter(CONTRACTS, FIRST_VERSIONS).content(confirmed)
    assert "total" not in first["data"]
    assert "oldestreader" not in first
    second = PublicWriter(CONTRACTS, VERSIONS).content(confirmed)
    assert second["data"] == first["data"] | {"total": {"amount": 4190, "currency": "EUR"}}
    assert second["oldestreader"] == 1


@pytest.mark.parametrize("history", [SHIPPED, RETURNED])
def test_nothing_personal_is_told(history: tuple[Event, ...]) -> None:
    words = json.dumps([as_json(event) for event in told(*history) if event], ensure_ascii=False)
    assert PLACED.delivery is not None
    for value in msgspec.structs.astuple(PLACED.delivery)[:-1]:
        assert value not in words


def test_every_event_that_orders_publish_has_a_consumer() -> None:
    topology = json.loads((FOLDER / "topology.json").read_text())
    published_types = {type(event).__name__ for event in (*told(*SHIPPED), *told(*RETURNED))}
    assert published_types - {"NoneType"} == {
        name for name, way in topology.items() if way["source"] == "bitacora.orders"
    }
