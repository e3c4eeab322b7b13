"""HTTP queries: GET /orders/{order_id}, /orders/{order_id}/history and /orders."""

import logging
import os
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from reference_service import bootstrap
from reference_service.aws.http_api import (
    HttpRequest,
    Problem,
    answer,
    bad_parameter,
    parse,
    problem_answer,
)
from reference_service.aws.metrics import report
from reference_service.aws.postgres_queries import BadCursor, Found, Listing
from reference_service.cqrs.commit import Commit, timestamp
from reference_service.cqrs.store import Unavailable
from reference_service.order.state import NotPlaced, Status
from reference_service.schemas import Undecodable
from reference_service.settings import QuerySettings

side = bootstrap.query(QuerySettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

# How long a read with min_version waits for the projection, and how often it looks.
WAIT_S = 2.0
PAUSE_S = 0.05
DEFAULT_PAGE, LARGEST_PAGE = 20, 100
LARGEST_VERSION = 10**9
CONSISTENCIES = ("eventual", "strong")
STATUSES: tuple[str, ...] = get_args(Status)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    try:
        request = parse(event)
        response = ROUTES[request.route](request)
    except Problem as problem:
        response = problem_answer(problem)
    except Unavailable as fault:
        logger.warning("query: %s", fault)
        detail = "The store that is read does not answer."
        headers = {"retry-after": "1"}
        response = problem_answer(Problem(503, "unavailable", detail, headers=headers))
    except Undecodable:
        logger.exception("query: events break their contract")
        detail = "The order's events can't be read by this deployment."
        response = problem_answer(Problem(500, "unreadable-history", detail))
    report("query", {"Queries": 1}, route=event.get("routeKey"), status=response["statusCode"])
    return response


def get_order(request: HttpRequest) -> dict[str, Any]:
    """The order as projected; a strong read and a past state are folded from the event store."""
    _one_at_most(request, "version", "as_of", "min_version")
    strong = request.choice("consistency", CONSISTENCIES) == "strong"
    wanted = request.integer("min_version", 0, 0, LARGEST_VERSION)
    version = request.integer("version", 0, 1, LARGEST_VERSION)
    moment = request.moment("as_of")
    if moment:
        return _order_as_of(request, moment)
    if version:
        return _order_at(request, version)
    return _newest_order(request, wanted) if strong else _projected_order(request, wanted)


def get_history(request: HttpRequest) -> dict[str, Any]:
    """Every event of the order, from the event store: always complete, in its newest version."""
    commits = _own_history(request)
    events = [event for commit in commits for event in _events(commit)]
    body = {"order_id": request.path["order_id"], "version": commits[-1].version, "events": events}
    return answer(200, body, etag=f'"{commits[-1].version}"')


def list_orders(request: HttpRequest) -> dict[str, Any]:
    """The caller's orders as projected, newest first, a page at a time."""
    limit = request.integer("limit", DEFAULT_PAGE, 1, LARGEST_PAGE)
    listing = Listing(
        customer_id=request.subject,
        status=request.choice("status", STATUSES),
        placed_from=request.moment("from"),
        placed_to=request.moment("to"),
    )
    if listing.placed_from and listing.placed_to and listing.placed_from >= listing.placed_to:
        raise bad_parameter("to", "must be later than from")
    try:
        page = side.queries.of_customer(listing, limit, request.query.get("cursor"))
    except BadCursor as fault:
        detail = "must be one that this list gave, asked with the same status, from and to"
        raise bad_parameter("cursor", detail) from fault
    return answer(200, {"orders": page.rows, "cursor": page.cursor})


ROUTES: dict[str, Callable[[HttpRequest], dict[str, Any]]] = {
    "GET /orders/{order_id}": get_order,
    "GET /orders/{order_id}/history": get_history,
    "GET /orders": list_orders,
}


def _projected_order(request: HttpRequest, wanted: int) -> dict[str, Any]:
    """As the read model shows it: waited for, and never older than version `wanted`."""
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


def _newest_order(request: HttpRequest, wanted: int) -> dict[str, Any]:
    """At its newest version, whatever was projected so far."""
    commits = _own_history(request)
    newest = commits[-1].version
    if wanted > newest:
        raise _no_such_version("min_version", wanted, newest)
    return _folded(commits, newest)


def _order_at(request: HttpRequest, version: int) -> dict[str, Any]:
    commits = _own_history(request)
    newest = commits[-1].version
    if version > newest:
        raise _no_such_version("version", version, newest)
    return _folded([commit for commit in commits if commit.first <= version], version)


def _order_as_of(request: HttpRequest, moment: datetime) -> dict[str, Any]:
    """As the last commit at or before the moment left it."""
    commits = _own_history(request)
    times = [datetime.fromisoformat(commit.at) for commit in commits]
    now = datetime.now(UTC)
    # The clock that a commit was given may be ahead of ours: its own moment is none of the future.
    if moment > max(now, times[-1]):
        raise bad_parameter("as_of", f"must not lie in the future; now it is {timestamp(now)}")
    by_then = commits[: bisect_right(times, moment)]
    if not by_then:
        detail = f"as_of is before the order was placed, at {commits[0].at}."
        raise Problem(404, "before-placement", detail, parameter="as_of")
    return _folded(by_then, by_then[-1].version)


def _folded(commits: Sequence[Commit], version: int) -> dict[str, Any]:
    row = side.row_at(commits, version)
    body = msgspec.to_builtins(row) | {"commit": commits[-1].commit}
    return answer(200, body, etag=f'"{version}"')


def _one_at_most(request: HttpRequest, *names: str) -> None:
    """Raises Problem 400 that names the last of several parameters that exclude each other."""
    given = [name for name in names if name in request.query]
    if len(given) > 1:
        raise bad_parameter(given[-1], f"and {given[-2]} exclude each other")


def _shows(found: Found | None, wanted: int) -> bool:
    return found is not None and found.row.version >= wanted


def _own_history(request: HttpRequest) -> list[Commit]:
    """Raises Problem 404 for an order that is unknown or another customer's."""
    commits = side.orders.store.load(f"order-{request.path['order_id']}")
    state = side.orders.state(commits[:1])  # whose it is, it stays
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


def _no_such_version(parameter: str, version: int, newest: int) -> Problem:
    detail = f"The order has no version {version}; its newest is {newest}."
    return Problem(404, "no-such-version", detail, parameter=parameter, version=newest)


def _not_yet(found: Found | None) -> Problem:
    version = found.row.version if found else 0
    if found and found.parked:
        detail = f"The order is shown up to version {version} and parked until it is repaired."
        return Problem(503, "parked", detail, headers={"retry-after": "60"}, version=version)
    detail = f"The order is shown up to version {version} so far."
    return Problem(503, "not-yet-visible", detail, headers={"retry-after": "1"}, version=version)
