"""What heals: repair and republish of a stream, reconcile, and failed batches from S3.

An operator invokes it with {"operation": …}; what it answers is JSON, {"error": …} for a request
that it does not know.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote_plus

from reference_service import bootstrap
from reference_service.aws.metrics import report
from reference_service.aws.s3_objects import ObjectTooLarge
from reference_service.aws.sqs_messages import Message, is_queue_event
from reference_service.aws.stream_records import failed_batch
from reference_service.cqrs.projection import Repaired, Slice
from reference_service.functions.parked import envelope, parked
from reference_service.functions.queue import consume
from reference_service.functions.rebuilding import rebuild
from reference_service.functions.resyncing import resync
from reference_service.schemas import Undecodable
from reference_service.settings import OperationsSettings

operations = bootstrap.operations(OperationsSettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

PAGE = 200
# Of the function's 60 s; the rest is for what is under way.
RECONCILE_BUDGETS_S = {"order_status": 8.0, "orders": 15.0}
REPUBLISH_BUDGET_S = 8.0
PUBLISHER_CURSOR = "publisher"
WANTED = (
    "repair, republish or envelope with a stream, parked, resync since a moment, rebuild with an"
    " action, or reconcile"
)
# Which read models a failed batch concerns, by the end of its consumer's name: the first that fits.
# The relay's concerns all of them.
CONCERNED = {
    "-status-projector": ["order_status"],
    "-projector": ["orders"],
    "-catch-up": ["orders"],
}


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    if is_queue_event(event):
        return consume("operations", event, _heal_failed_batches)
    match event:
        case {"operation": "views", "streams": [*streams]}:
            return {"views": operations.audit_views.views([str(stream) for stream in streams])}
        case {"operation": "wrong-sums"}:
            return {"sums": operations.audit_views.wrong_sums()}
        case {"operation": "viewed"}:
            return operations.audit_views.viewed(event.get("cursor"))
        case {"operation": "repair", "stream": str(stream)}:
            result = asdict(operations.healing.repair(stream))
        case {"operation": "republish", "stream": str(stream)}:
            result = asdict(operations.healing.republish(stream))
        case {"operation": "parked", "cursor": str() | None as cursor}:
            return parked(operations, cursor)
        case {"operation": "envelope", "stream": str(stream), "commit": int(commit)}:
            return envelope(operations, stream, commit)
        case {"operation": "resync", "since": str(since)}:
            return resync(operations, since, event)
        case {"operation": "rebuild"}:
            result = rebuild(operations.read_side, event)
        case {"operation": "reconcile"}:
            return _reconcile()
        case _:
            return {"error": f"unknown operation {event.get('operation')!r}: {WANTED}"}
    report("operations", {"Operations": 1}, operation=event["operation"], **result)
    return result


def _reconcile() -> dict[str, Any]:
    """One slice of each read model, of the publisher, and of a rebuild that a deployment began.

    The next go on where they ended.
    """
    slices = {name: _slice(name) for name in operations.read_models}
    told = operations.publisher.reconcile(
        operations.cursors.get(PUBLISHER_CURSOR),
        page=PAGE,
        budget_s=REPUBLISH_BUDGET_S,
        clock=time.monotonic,
    )
    operations.cursors.keep(PUBLISHER_CURSOR, told.cursor)
    built = rebuild(operations.read_side, {"action": "go-on"})["rebuild"]
    repaired = [_told(name, one) for name, done in slices.items() for one in done.repaired]
    republished = [asdict(one) for one in told.republished]
    compared = sum(done.compared for done in slices.values())
    counts = {
        "Compared": compared,
        "Repaired": len(repaired),
        "Republished": len(republished),
        "Parked": sum(1 for one in repaired if one["parked"]) + told.parked,
    }
    report(
        "operations",
        counts,
        operation="reconcile",
        repaired=repaired[:50],
        republished=republished[:50],
        rebuild=built and built["phase"],
    )
    return {
        "finished": all(done.finished for done in slices.values()),
        "compared": compared,
        "repaired": repaired,
        "republished": republished,
    }


def _slice(read_model: str) -> Slice:
    done: Slice = operations.read_models[read_model]().reconcile(
        operations.cursors.get(read_model),
        page=PAGE,
        budget_s=RECONCILE_BUDGETS_S[read_model],
        clock=time.monotonic,
    )
    operations.cursors.keep(read_model, done.cursor)
    return done


def _told(read_model: str, done: Repaired) -> dict[str, Any]:
    return {"read_model": read_model, **asdict(done)}


def _heal_failed_batches(message: Message) -> str:
    """A notification of S3 about failed batches: heal every stream in them."""
    try:
        notification = json.loads(message.body)
        if notification.get("Event") == "s3:TestEvent":
            return "Ignored"
        keys = [unquote_plus(one["s3"]["object"]["key"]) for one in notification["Records"]]
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        raise Undecodable(f"no notification of S3: {fault!r}") from fault
    for key in keys:
        try:
            function, streams = failed_batch(operations.failed_batches.read(key))
        except ObjectTooLarge as fault:
            raise Undecodable(str(fault)) from fault
        for stream in streams:
            _heal(function, stream)
    return "Healed"


def _heal(function: str, stream: str) -> None:
    if function.endswith("-erasure"):
        # Nobody but the erasure function may destroy a key: the message stays, where it is seen.
        raise Undecodable(f"{stream}: an operator finishes the erasure with `bitacora erase`")
    if function.endswith("-publisher"):
        logger.warning("republished %s", operations.publisher.republish(stream))
        return
    fitting = (names for end, names in CONCERNED.items() if function.endswith(end))
    done = operations.healing.repaired(stream, next(fitting, operations.read_models))
    logger.warning("repaired %s", done)
