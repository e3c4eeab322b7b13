"""The heads of all streams → a bucket with Object Lock, slice by slice, by the clock."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from reference_service import bootstrap
from reference_service.aws.metrics import report
from reference_service.settings import AnchorSettings

anchoring = bootstrap.anchoring(AnchorSettings.from_environment(os.environ))

# Of the function's 900 s, the longest that Lambda gives; the rest is for the page and the object
# that are under way.
BUDGET = timedelta(seconds=840)


def handler(_event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    done = anchoring.go_on(BUDGET)
    report(
        "anchor",
        {"Anchors": int(done.complete), "Heads": done.heads},
        anchor=done.anchor,
        overtaken=done.overtaken,
    )
    return asdict(done)
