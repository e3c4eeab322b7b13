"""DynamoDB stream of events → public events on the bus."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.metrics import report
from reference_service.aws.stream_records import changes
from reference_service.settings import PublisherSettings

publisher = bootstrap.publisher(PublisherSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    done = publisher.publish(changes(event))
    report(
        "publisher",
        {"Published": done.published, "Failed": len(done.failed), "Parked": len(done.parked)},
        parked=done.parked,
        error=done.error,
    )
    return batch_item_failures(change.id for change in done.failed)
