"""Log → the read model that is being built, if one is."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.metrics import report
from reference_service.aws.stream_records import deliveries
from reference_service.settings import ProjectorSettings

read_side = bootstrap.read_side(ProjectorSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    done = read_side.catch_up(deliveries(event))
    report(
        "catch-up",
        {"Advanced": done.advanced, "Failed": len(done.failed), "Parked": len(done.parked)},
        error=done.error,
    )
    return batch_item_failures(delivery.id for delivery in done.failed)
