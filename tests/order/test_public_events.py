"""What other services are told of an order."""

import json

import msgspec
import pytest

from reference_service.order.decider import evolve, initial
from reference_service.order.events import Event, ReturnRequested
from reference_service.order.public import PublicEvent, published
from reference_service.schemas import CONTRACTS, Schemas, event_schema
from tests.order.ana import ANA, CANCELLED, PLACED, SHIPPED, TOTAL, euros, paid

ORDER_ID = "5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f"
RETURNED = (*CANCELLED, ReturnRequested(shipment_id="shipment-1", reason="order_cancelled"))


def told(*history: Event) -> list[PublicEvent | None]:
    state, said = initial(), []
    for version, event in enumerate(history, start=1):
        state = evolve(state, event)
        said.append(published(ORDER_ID, version, event, state))
    return said


def test_an_orders_life_is_told_with_ids_and_versions() -> None:
    of_ana = {"order_id": ORDER_ID, "customer_id": ANA}
    total = {"amount": TOTAL.amount, "currency": "EUR"}
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in PLACED.lines]
    assert told(*SHIPPED) == [
        ("OrderPlaced", {**of_ana, "version": 1, "total": total}),
        None,
        ("OrderConfirmed", {**of_ana, "version": 3, "lines": lines}),
        ("OrderShipped", {**of_ana, "version": 4, "shipment_id": "shipment-1"}),
    ]
    assert told(*RETURNED)[1:] == [
        ("OrderCancelled", {**of_ana, "version": 2, "reason": "changed_mind"}),
        (
            "ReturnRequested",
            {**of_ana, "version": 3, "shipment_id": "shipment-1", "reason": "order_cancelled"},
        ),
    ]


def test_a_payment_is_not_told() -> None:
    assert told(PLACED, paid(euros(1)))[1] is None


@pytest.mark.parametrize("history", [SHIPPED, RETURNED])
def test_what_is_told_keeps_its_contract(history: tuple[Event, ...]) -> None:
    schemas = Schemas.load()
    for said in filter(None, told(*history)):
        event_type, data = said
        assert schemas.check(event_schema("public", event_type), data) == ()


@pytest.mark.parametrize("history", [SHIPPED, RETURNED])
def test_nothing_personal_is_told(history: tuple[Event, ...]) -> None:
    said = json.dumps(told(*history), ensure_ascii=False)
    assert PLACED.delivery is not None
    for value in msgspec.structs.astuple(PLACED.delivery)[:-1]:
        assert value not in said


def test_every_event_that_orders_publish_has_a_consumer() -> None:
    topology = json.loads((CONTRACTS / "topology.json").read_text())
    published_types = {said[0] for said in (*told(*SHIPPED), *told(*RETURNED)) if said}
    assert published_types == {
        name for name, way in topology.items() if way["source"] == "bitacora.orders"
    }
