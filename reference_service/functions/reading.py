"""What HTTP reads share: who may read, the wait, and what is told when nothing is shown."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from reference_service.aws.http_api import READ_ALL, HttpRequest, Problem

T = TypeVar("T")
logger = logging.getLogger(__name__)

# How long a read waits for the projection of what it must show, and how often it looks.
WAIT_S = 2.0
PAUSE_S = 0.05
LARGEST_VERSION = 10**9


def may_read(request: HttpRequest, customer_id: str) -> bool:
    """Whether the customer's orders are for the caller to read; staff's looking at them is told."""
    if customer_id == request.subject:
        return True
    if READ_ALL not in request.scopes:
        return False
    # A warning: no log level may lose who looked at whose orders.
    told = "%s of support reads %s of customer %s: %s (request %s)"
    what = request.path.get("order_id", "orders")
    logger.warning(told, request.subject, what, customer_id, request.route, request.request_id)
    return True


def waited_for(
    seen: T, look: Callable[[], T], enough: Callable[[T], bool], wait_s: float = WAIT_S
) -> T:
    """What was seen at last: enough, or what there was when the time was over."""
    deadline = time.monotonic() + wait_s
    while not enough(seen) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
        seen = look()
    return seen


def not_yet(version: int, *, parked: bool) -> Problem:
    """`version` is what is shown so far, 0 for nothing."""
    if parked:
        detail = f"The order is shown up to version {version} and parked until it is repaired."
        return Problem(503, "parked", detail, headers={"retry-after": "60"}, version=version)
    detail = f"The order is shown up to version {version} so far."
    return Problem(503, "not-yet-visible", detail, headers={"retry-after": "1"}, version=version)


def unavailable() -> Problem:
    detail = "The store that is read does not answer."
    return Problem(503, "unavailable", detail, headers={"retry-after": "1"})
