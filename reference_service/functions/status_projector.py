"""Log → the read model `order_status`."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.metrics import report
from reference_service.aws.stream_records import deliveries
from reference_service.settings import StatusProjectorSettings

projector = bootstrap.status_projector(StatusProjectorSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    done = projector.apply(deliveries(event))
    report(
        "status-projector",
        {"Advanced": done.advanced, "Failed": len(done.failed), "Parked": len(done.parked)},
        parked={stream: park.reason for stream, park in done.parked.items()},
        error=done.error,
    )
    return batch_item_failures(delivery.id for delivery in done.failed)
