"""A small sound world: orders in every store, as they are once everything has arrived."""

import json
from collections.abc import Sequence
from typing import Any

from bitacora.audit.observation import Observation
from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.gate import after

PUBLIC = frozenset(
    {"OrderPlaced", "OrderConfirmed", "OrderShipped", "OrderCancelled", "ReturnRequested"}
)
SHIPPED = (
    ("place", [("OrderPlaced", {})]),
    ("pay-1", [("PaymentReceived", {"amount": {"amount": 4, "currency": "EUR"}})]),
    (
        "pay-2",
        [
            ("PaymentReceived", {"amount": {"amount": 6, "currency": "EUR"}}),
            ("OrderConfirmed", {}),
        ],
    ),
    ("ship", [("OrderShipped", {})]),
)
CANCELLED = (("place-2", [("OrderPlaced", {})]), ("cancel-2", [("OrderCancelled", {})]))
LEDGER = (
    "order-1/1/0",
    "order-1/3/1",
    "order-1/4/0",
    "shipment-1/1/0",
    "order-2/1/0",
    "order-2/2/0",
)


def history(
    stream: str, commands: Sequence[tuple[str, list[tuple[str, dict[str, Any]]]]]
) -> tuple[Commit, ...]:
    commits: list[Commit] = []
    for command_id, events in commands:
        body = [{"type": kind, "v": 1, "data": data} for kind, data in events]
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
                body=json.dumps(body),
                count=len(events),
                at="2026-01-01T00:00:00.000Z",
                commit_id=f"commit-of-{command_id}",
            )
        )
    return tuple(commits)


def world() -> Observation:
    """Order 1 was paid in two parts and shipped, order 2 cancelled."""
    commits = {"order-1": history("order-1", SHIPPED), "order-2": history("order-2", CANCELLED)}
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
