"""Log → read model."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reference_service import bootstrap
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.metrics import report
from reference_service.aws.stream_records import deliveries
from reference_service.cqrs.heartbeat import shard_of
from reference_service.settings import ProjectorSettings

read_side = bootstrap.read_side(ProjectorSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    done = read_side.apply(deliveries(event))
    report(
        "projector",
        {"Advanced": done.advanced, "Failed": len(done.failed), "Parked": len(done.parked)},
        parked={stream: park.reason for stream, park in done.parked.items()},
        error=done.error,
    )
    _report_heartbeats(done.reached)
    return batch_item_failures(delivery.id for delivery in done.failed)


def _report_heartbeats(reached: Mapping[str, str]) -> None:
    """How long each heartbeat was on its way: a metric per shard, so that each may be missed."""
    for stream, at in reached.items():
        shard = shard_of(stream)
        if shard is not None:
            lag = datetime.now(UTC) - datetime.fromisoformat(at)
            lag_ms = max(0, round(1000 * lag.total_seconds()))
            report("projector", {"HeartbeatLag_ms": lag_ms}, {"Shard": str(shard)})
