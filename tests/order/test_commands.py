"""A validated body becomes the caller's command."""

import json
from typing import Any

import pytest

from reference_service.order.commands import (
    SCHEMAS,
    CancelOrder,
    PlaceOrder,
    ReceivePayment,
    customer_command,
)
from reference_service.schemas import CONTRACTS, Schemas
from tests.order.ana import ANA, PLACE, TOTAL, pay


def full_example(name: str) -> Any:
    folder = (CONTRACTS / name).parent
    return json.loads((folder / "examples/v1-full.json").read_text())


def test_a_body_becomes_the_command_of_its_caller() -> None:
    place = customer_command(PlaceOrder, ANA, full_example(SCHEMAS[PlaceOrder]))
    payment = customer_command(ReceivePayment, ANA, full_example(SCHEMAS[ReceivePayment]))
    cancelling = customer_command(CancelOrder, ANA, full_example(SCHEMAS[CancelOrder]))
    assert place == PLACE
    assert payment == pay(TOTAL, "payment-2026-000017")
    assert cancelling == CancelOrder(customer_id=ANA, reason="ordered_by_mistake")


def test_a_body_cannot_name_its_caller() -> None:
    body = {"reason": "other", "customer_id": "bob"}
    assert Schemas.load().check(SCHEMAS[CancelOrder], body)
    assert customer_command(CancelOrder, ANA, body).customer_id == ANA


@pytest.mark.parametrize("amount", [4190, 4190.0])
def test_whatever_the_contract_takes_for_an_integer_becomes_one(amount: float) -> None:
    body = {"payment_id": "payment-1", "amount": {"amount": amount, "currency": "EUR"}}
    assert Schemas.load().check(SCHEMAS[ReceivePayment], body) == ()
    assert customer_command(ReceivePayment, ANA, body) == pay(TOTAL)
