"""HTTP queries: GET /orders/{order_id}, /orders/{order_id}/history and /orders."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reference_service import bootstrap
from reference_service.aws.http_api import HttpRequest, Problem, answer, parse, problem_answer
from reference_service.aws.metrics import report
from reference_service.aws.postgres_queries import BadCursor, Found
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.store import Unavailable
from reference_service.order.state import NotPlaced
from reference_service.schemas import Undecodable
from reference_service.settings import QuerySettings

side = bootstrap.query(QuerySettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

# How long a read with min_version waits for the projection, and how often it looks.
WAIT_S = 2.0
PAUSE_S = 0.05
DEFAULT_PAGE, LARGEST_PAGE = 20, 100
LARGEST_VERSION = 10**9


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    try:
        request = parse(event)
        response = ROUTES[request.route](request)
    except Problem as problem:
        response = problem_answer(problem)
    except Unavailable as fault:
        logger.warning("query: %s", fault)
        detail = "The read side does not answer."
        headers = {"retry-after": "1"}
        response = problem_answer(Problem(503, "unavailable", detail, headers=headers))
    except Undecodable:
        logger.exception("query: events break their contract")
        detail = "The order's events can't be read by this deployment."
        response = problem_answer(Problem(500, "unreadable-history", detail))
    report("query", {"Queries": 1}, route=event.get("routeKey"), status=response["statusCode"])
    return response


def get_order(request: HttpRequest) -> dict[str, Any]:
    """The order as projected; with min_version never an older one."""
    wanted = request.integer("min_version", 0, 0, LARGEST_VERSION)
    stream = f"order-{request.path['order_id']}"
    found = side.queries.by_stream(stream)
    if found is None:
        # Not projected yet, or none of the caller's: only the event store can tell.
        _own_history(request)
    deadline = time.monotonic() + WAIT_S
    while not _shows(found, wanted) and time.monotonic() < deadline:
        if found and found.parked:
            break
        time.sleep(PAUSE_S)
        found = side.queries.by_stream(stream)
    if found and found.row.customer_id != request.subject:
        raise _unknown_order()
    if found is None or not _shows(found, wanted):
        raise _not_yet(found)
    body = msgspec.to_builtins(found.row) | {"commit": found.commit}
    if found.parked:
        body["parked"] = True
    return answer(200, body, etag=f'"{found.row.version}"')


def get_history(request: HttpRequest) -> dict[str, Any]:
    """Every event of the order, from the event store: always complete, in its newest version."""
    commits = _own_history(request)
    events = [event for commit in commits for event in _events(commit)]
    body = {"order_id": request.path["order_id"], "version": commits[-1].version, "events": events}
    return answer(200, body, etag=f'"{commits[-1].version}"')


def list_orders(request: HttpRequest) -> dict[str, Any]:
    """The caller's orders, newest first, a page at a time."""
    limit = request.integer("limit", DEFAULT_PAGE, 1, LARGEST_PAGE)
    try:
        page = side.queries.of_customer(request.subject, limit, request.query.get("cursor"))
    except BadCursor as fault:
        detail = "cursor must be one that this list gave."
        raise Problem(400, "bad-parameter", detail, parameter="cursor") from fault
    return answer(200, {"orders": page.rows, "cursor": page.cursor})


ROUTES: dict[str, Callable[[HttpRequest], dict[str, Any]]] = {
    "GET /orders/{order_id}": get_order,
    "GET /orders/{order_id}/history": get_history,
    "GET /orders": list_orders,
}


def _shows(found: Found | None, wanted: int) -> bool:
    return found is not None and found.row.version >= wanted


def _own_history(request: HttpRequest) -> list[Commit]:
    """Raises Problem 404 for an order that is unknown or another customer's."""
    commits = side.orders.store.load(f"order-{request.path['order_id']}")
    state = side.orders.state(commits)
    if isinstance(state, NotPlaced) or state.customer_id != request.subject:
        raise _unknown_order()
    return commits


def _events(commit: Commit) -> list[dict[str, Any]]:
    return [
        {
            "type": type(event).__name__,
            "version": commit.first + index,
            "commit": commit.commit,
            "at": commit.at,
            "actor": commit.actor,
            "command_id": commit.command_id,
            "causation": commit.causation,
            "data": event,
        }
        for index, event in enumerate(side.orders.codec.decode(commit.body))
    ]


def _unknown_order() -> Problem:
    return Problem(404, "unknown-order", "There is no such order.")


def _not_yet(found: Found | None) -> Problem:
    version = found.row.version if found else 0
    if found and found.parked:
        detail = f"The order is shown up to version {version} and parked until it is repaired."
        return Problem(503, "parked", detail, headers={"retry-after": "60"}, version=version)
    detail = f"The order is shown up to version {version} so far."
    return Problem(503, "not-yet-visible", detail, headers={"retry-after": "1"}, version=version)
