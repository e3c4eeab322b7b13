"""A slice of a resync, as an operator asks for it."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from reference_service.aws.metrics import report
from reference_service.bootstrap import Operations
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.resync import BadCursor, Resync

# Of the operations function's 60 s; the rest is for the stream that is under way.
SLICE_S = 15.0


def resync(operations: Operations, since: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """`since` is ISO 8601 with its zone. `cursor` and `dry_run` may stand in the event.

    Raises Unavailable.
    """
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as fault:
        return {"error": f"since {since!r}: {fault}"}
    if moment.tzinfo is None:
        return {"error": f"since {since!r} says no zone"}
    store, models = operations.read_side.store, operations.read_models
    try:
        done = Resync(store, models, operations.publisher).slice(
            event.get("cursor"),
            timestamp(moment),
            budget_s=SLICE_S,
            clock=time.monotonic,
            dry_run=bool(event.get("dry_run")),
        )
    except BadCursor as fault:
        return {"error": str(fault)}
    counts = {"Compared": done.concerned, "Republished": done.published, "Parked": len(done.parked)}
    report("operations", counts, operation="resync", parked=done.parked[:50])
    return asdict(done)
