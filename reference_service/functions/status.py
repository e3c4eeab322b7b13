"""HTTP: GET /orders/{order_id}/status, one look-up by key."""

import logging
import os
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import msgspec

from reference_service import bootstrap
from reference_service.aws.http_api import (
    HttpRequest,
    Problem,
    answer,
    parse,
    problem_answer,
    unknown_order,
)
from reference_service.aws.metrics import report
from reference_service.cqrs.projection import Position
from reference_service.cqrs.store import Unavailable
from reference_service.functions.reading import (
    LARGEST_VERSION,
    WAIT_S,
    may_read,
    not_yet,
    unavailable,
    waited_for,
)
from reference_service.settings import StatusSettings

read_model = bootstrap.order_status(StatusSettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

_NOTHING = Position()


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    try:
        response = get_status(parse(event))
    except Problem as problem:
        response = problem_answer(problem)
    except Unavailable as fault:
        logger.warning("status: %s", fault)
        response = problem_answer(unavailable())
    report("status", {"Queries": 1}, route=event.get("routeKey"), status=response["statusCode"])
    return response


def get_status(request: HttpRequest) -> dict[str, Any]:
    """The status as projected; with min_version never an older one than that."""
    wanted = request.integer("min_version", 0, 0, LARGEST_VERSION)
    order_id = request.order_id
    mine = cache(partial(may_read, request))  # told once, however often it is looked

    def look() -> Position:
        """What is not for the caller looks like nothing, also to who waits for it."""
        found = read_model.look_up(f"order-{order_id}")
        return found if found.row and mine(found.row.customer_id) else _NOTHING

    found = waited_for(
        look(), look, lambda seen: _version(seen) >= wanted or seen.parked is not None, WAIT_S
    )
    if _version(found) < wanted:
        raise not_yet(_version(found), parked=found.parked is not None)
    if found.row is None or found.gate is None:
        raise unknown_order()
    body = msgspec.to_builtins(found.row) | {"commit": found.gate.commit}
    if found.parked:
        body["parked"] = True
    return answer(200, body, etag=f'"{found.row.version}"')


ROUTES = {"GET /orders/{order_id}/status": get_status}


def _version(found: Position) -> int:
    return found.row.version if found.row else 0
