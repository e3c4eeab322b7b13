"""DynamoDB stream of events → log."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.metrics import report
from reference_service.aws.stream_records import changes
from reference_service.settings import RelaySettings

relay = bootstrap.relay(RelaySettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    done = relay.forward(changes(event))
    report(
        "relay",
        {
            "Forwarded": done.forwarded,
            "Failed": len(done.failed),
            "Alterations": done.alterations,
            "Parked": done.parked,
        },
    )
    return batch_item_failures(change.id for change in done.failed)
