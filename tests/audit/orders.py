"""A small sound world: orders in every store, as they are once everything has arrived."""

from collections.abc import Sequence

from bitacora.audit.observation import Observation
from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.gate import after
from reference_service.order.codec import OrderCodec
from reference_service.order.events import (
    VERSIONS,
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderShipped,
    PaymentReceived,
)
from reference_service.order.money import Money
from reference_service.schemas import Schemas
from tests.order.ana import PLACED

PUBLIC = frozenset(
    {"OrderPlaced", "OrderConfirmed", "OrderShipped", "OrderCancelled", "ReturnRequested"}
)
TODAY = OrderCodec(Schemas.load())
# What wrote the first events: they stand in the store as they were then.
LONG_AGO = OrderCodec(Schemas.load(), writes=dict.fromkeys(VERSIONS, 1))
SHIPPED: tuple[tuple[str, list[Event]], ...] = (
    ("place", [PLACED]),
    ("pay-1", [PaymentReceived(payment_id="payment-1", amount=Money(4, "EUR"))]),
    (
        "pay-2",
        [
            PaymentReceived(payment_id="payment-2", amount=Money(6, "EUR")),
            OrderConfirmed(total=Money(10, "EUR")),
        ],
    ),
    ("ship", [OrderShipped(shipment_id="shipment-1")]),
)
CANCELLED: tuple[tuple[str, list[Event]], ...] = (
    ("place-2", [PLACED]),
    ("cancel-2", [OrderCancelled(reason="other")]),
)
LEDGER = (
    "order-1/1/0",
    "order-1/3/1",
    "order-1/4/0",
    "shipment-1/1/0",
    "order-2/1/0",
    "order-2/2/0",
)


def history(
    stream: str, commands: Sequence[tuple[str, list[Event]]], codec: OrderCodec = TODAY
) -> tuple[Commit, ...]:
    commits: list[Commit] = []
    for command_id, events in commands:
        commits.append(
            following(
                commits[-1] if commits else None,
                stream=stream,
                cause=Cause(
                    command_id=command_id,
                    fingerprint="f",
                    actor="customer",
                    causation=command_id,
                    correlation=command_id,
                ),
                body=codec.encode(events),
                count=len(events),
                at="2026-01-01T00:00:00.000Z",
                commit_id=f"commit-of-{command_id}",
            )
        )
    return tuple(commits)


def world() -> Observation:
    """Order 1 was paid in two parts and shipped; order 2, long ago, cancelled."""
    commits = {
        "order-1": history("order-1", SHIPPED),
        "order-2": history("order-2", CANCELLED, LONG_AGO),
    }
    return Observation(
        commits=commits,
        rows={
            "order-1": {"version": 5, "status": "shipped", "paid": 10},
            "order-2": {"version": 2, "status": "cancelled", "paid": 0},
        },
        gates={stream: after(found[-1]) for stream, found in commits.items()},
        parked={},
        ledger=dict.fromkeys(LEDGER, ("digest",)),
        shipments={
            "order-1": {"status": "dispatched"},
            "order-2": {"status": "cancelled"},
        },
    )
