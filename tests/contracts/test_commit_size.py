"""An ordinary commit costs one write unit: its stored item takes 1,024 bytes or less."""

import msgspec
import pytest

from reference_service.cqrs.commit import Cause, following, stored_size_bytes
from reference_service.order.address import sealed
from reference_service.order.codec import OrderCodec
from reference_service.order.events import (
    Delivery,
    Event,
    OrderCancelled,
    OrderConfirmed,
    PaymentReceived,
)
from reference_service.order.money import Money
from reference_service.schemas import Schemas
from reference_service.sealing import DataKey
from tests.order.ana import PLACED

WRITE_UNIT_BYTES = 1024
CUSTOMER = "9b2f6c1e-4d3a-4f5b-8c7d-6e5f4a3b2c1d"  # a token's subject is a UUID with most issuers

assert isinstance(PLACED.delivery, Delivery)
SEALED = sealed(PLACED.delivery, DataKey("0" * 12, bytes(32)), CUSTOMER)

ORDINARY: list[list[Event]] = [
    [msgspec.structs.replace(PLACED, customer_id=CUSTOMER, delivery=SEALED)],
    [
        PaymentReceived(payment_id="pi_3OqT2k2eZvKYlo2C1a2b3c4d", amount=Money(4190, "EUR")),
        OrderConfirmed(total=Money(4190, "EUR")),
    ],
    [OrderCancelled(reason="ordered_by_mistake")],
]


@pytest.mark.parametrize("events", ORDINARY, ids=lambda events: type(events[0]).__name__)
def test_an_ordinary_commit_is_one_write_unit(events: list[Event]) -> None:
    assert len(PLACED.lines) == 2
    cause = Cause(
        command_id="0" * 32,
        fingerprint="0" * 32,
        actor=CUSTOMER,
        causation="0" * 32,
        correlation=CUSTOMER,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    commit = following(
        None,
        stream=f"order-{CUSTOMER}",
        cause=cause,
        body=OrderCodec(Schemas.load()).encode(events),
        count=len(events),
        at="2026-01-05T09:30:00.000Z",
        commit_id=CUSTOMER,
    )
    assert stored_size_bytes(commit) <= WRITE_UNIT_BYTES
