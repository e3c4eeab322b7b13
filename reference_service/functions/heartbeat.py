"""Each minute a commit without events for each shard of the log."""

import os
from collections.abc import Mapping
from typing import Any

from reference_service import bootstrap
from reference_service.aws.metrics import report
from reference_service.settings import HeartbeatSettings

heart = bootstrap.heartbeat(HeartbeatSettings.from_environment(os.environ))


def handler(_event: Mapping[str, Any], _context: object) -> None:
    """Fails when a shard got none: Lambda tries again, and the alarm on its errors tells."""
    commits = heart.beat()
    report("heartbeat", {"Heartbeats": len(commits)})
