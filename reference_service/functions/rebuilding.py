"""What an operator asks about a rebuild; each answer says how far it has come."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reference_service.aws.read_side import ReadSide
from reference_service.cqrs.rebuild import Progress, Share

# Of the operations function's 60 s: a step that has begun is finished, a key within 50 s.
SLICE_S = 8.0


def rebuild(read_side: ReadSide, event: Mapping[str, Any]) -> dict[str, Any]:
    """`action`: begin, begin-anew, go-on, status or drop-old.

    To go on, `worker` and `workers` may say with which share of the scan. Raises Unavailable.
    """
    match event.get("action"):
        case "begin":
            return {"rebuild": asdict(read_side.begin("unless-building"))}
        case "begin-anew":
            return {"rebuild": asdict(read_side.begin("anew"))}
        case "go-on":
            try:
                share = Share(event.get("worker", 0), event.get("workers", 1))
            except (ValueError, TypeError) as fault:
                return {"error": str(fault)}
            return {"rebuild": _told(read_side.rebuild(SLICE_S, time.monotonic, share))}
        case "status":
            return {"rebuild": _told(read_side.progress()), "live": read_side.live().name}
        case "drop-old":
            return {"dropped": read_side.drop_old()}
        case other:
            wanted = "begin, begin-anew, go-on, status or drop-old"
            return {"error": f"unknown action {other!r} of rebuild: {wanted}"}


def _told(progress: Progress | None) -> dict[str, Any] | None:
    return asdict(progress) if progress else None
