"""HTTP queries: an order, its history, the caller's orders, and what they sum up to."""

import logging
import math
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from reference_service import bootstrap
from reference_service.aws.generations import UnknownVersion
from reference_service.aws.http_api import (
    READ_ALL,
    HttpRequest,
    Problem,
    answer,
    bad_parameter,
    parse,
    problem_answer,
    unchanged,
    unknown_order,
)
from reference_service.aws.metrics import report
from reference_service.aws.postgres_queries import BadCursor, Found, Listing, Shown
from reference_service.cqrs.commit import Commit, timestamp
from reference_service.cqrs.store import Unavailable
from reference_service.functions.opening import Opening
from reference_service.functions.reading import (
    LARGEST_VERSION,
    WAIT_S,
    may_read,
    not_yet,
    unavailable,
    waited_for,
)
from reference_service.order.events import Event, OrderPlaced
from reference_service.order.state import NotPlaced, Status
from reference_service.schemas import Undecodable
from reference_service.settings import QuerySettings

side = bootstrap.query(QuerySettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

DEFAULT_PAGE, LARGEST_PAGE = 20, 100
CONSISTENCIES = ("eventual", "strong")
STATUSES: tuple[str, ...] = get_args(Status)
MOST_AFTER = 10
_AFTER = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([1-9][0-9]{0,8})")
# Compared weakly (RFC 9110, 13.1.2): what compresses answers on their way marks tags so.
_TAG = re.compile(r'(?:W/)?"(0|[1-9][0-9]{0,8})"')


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    try:
        request = parse(event)
        response = ROUTES[request.route](request)
    except Problem as problem:
        response = problem_answer(problem)
    except UnknownVersion as fault:
        logger.warning("query: %s", fault)
        detail = "The read model was made by a newer deployment than the one that answers."
        headers = {"retry-after": "60"}
        response = problem_answer(Problem(503, "read-model-unknown", detail, headers=headers))
    except Unavailable as fault:
        logger.warning("query: %s", fault)
        response = problem_answer(unavailable())
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
    had = _had(request)
    if moment:
        return _order_as_of(request, moment)
    if version:
        return _order_at(request, version)
    return _newest_order(request, wanted, had) if strong else _projected_order(request, wanted, had)


def get_history(request: HttpRequest) -> dict[str, Any]:
    """Every event of the order, from the event store: always complete, in its newest version."""
    commits = _own_history(request, request.order_id)
    events = [event for commit in commits for event in _events(commit)]
    body = {"order_id": request.order_id, "version": commits[-1].version, "events": events}
    return answer(200, body, etag=f'"{commits[-1].version}"')


def list_orders(request: HttpRequest) -> dict[str, Any]:
    """The caller's orders as projected, newest first, a page at a time."""
    limit = request.integer("limit", DEFAULT_PAGE, 1, LARGEST_PAGE)
    listing = Listing(
        customer_id=_customer(request),
        status=request.choice("status", STATUSES),
        placed_from=request.moment("from"),
        placed_to=request.moment("to"),
    )
    if listing.placed_from and listing.placed_to and listing.placed_from >= listing.placed_to:
        raise bad_parameter("to", "must be later than from")
    _wait_for_after(request)
    try:
        page = side.queries.of_customer(listing, limit, request.query.get("cursor"))
    except BadCursor as fault:
        detail = "must be one that this list gave, asked with the same status, from and to"
        raise bad_parameter("cursor", detail) from fault
    opening = Opening(side.keys, listing.customer_id)
    body = {"orders": [_shown(row, opening) for row in page.rows], "cursor": page.cursor}
    return answer(200, body, read_model_lag=_lag(page.lag_s))


def get_customer_summary(request: HttpRequest) -> dict[str, Any]:
    """What the caller ordered, as projected: a record per currency."""
    _wait_for_after(request)
    sums = side.queries.sums_of_customer(_customer(request))
    return answer(200, {"currencies": sums.currencies}, read_model_lag=_lag(sums.lag_s))


ROUTES: dict[str, Callable[[HttpRequest], dict[str, Any]]] = {
    "GET /orders/{order_id}": get_order,
    "GET /orders/{order_id}/history": get_history,
    "GET /orders": list_orders,
    "GET /customer-summary": get_customer_summary,
}


def _projected_order(request: HttpRequest, wanted: int, had: int | None) -> dict[str, Any]:
    """As the read model shows it: waited for, and never older than what is `wanted` or was had."""
    order_id, wanted = request.order_id, max(wanted, had or 0)
    found = side.queries.by_stream(_stream(order_id))
    # Whose it is comes first: what is not the caller's must not even be waited for.
    if found is None or found.row is None:
        # Not projected yet, or none of the caller's: only the event store can tell.
        _own_history(request, order_id)
    elif not may_read(request, found.row.customer_id):
        raise unknown_order()
    found = waited_for(
        found,
        lambda: side.queries.by_stream(_stream(order_id)),
        lambda seen: seen is not None and (_shows(seen, wanted) or seen.parked is not None),
        WAIT_S,
    )
    if found is None or not _shows(found, wanted):
        shown = found.row.version if found and found.row else 0
        raise not_yet(shown, parked=bool(found and found.parked))
    headers = {"etag": f'"{found.row.version}"', "read_model_lag": _lag(found.lag_s)}
    if found.row.version == had and not found.parked:
        return unchanged(**headers)
    body = _shown(found.row, Opening(side.keys, found.row.customer_id)) | {"commit": found.commit}
    if found.parked:
        body["parked"] = True
    return answer(200, body, **headers)


def _newest_order(request: HttpRequest, wanted: int, had: int | None) -> dict[str, Any]:
    """At its newest version, whatever was projected so far."""
    commits = _own_history(request, request.order_id)
    newest = commits[-1].version
    if wanted > newest:
        raise _no_such_version("min_version", wanted, newest)
    if had is not None and had > newest:
        raise _no_such_version("If-None-Match", had, newest)
    return unchanged(etag=f'"{newest}"') if had == newest else _folded(commits, newest)


def _order_at(request: HttpRequest, version: int) -> dict[str, Any]:
    commits = _own_history(request, request.order_id)
    newest = commits[-1].version
    if version > newest:
        raise _no_such_version("version", version, newest)
    return _folded([commit for commit in commits if commit.first <= version], version)


def _order_as_of(request: HttpRequest, moment: datetime) -> dict[str, Any]:
    """As the last commit at or before the moment left it."""
    commits = _own_history(request, request.order_id)
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
    assert row is not None  # there is a commit
    body = _shown(row, Opening(side.keys, row.customer_id)) | {"commit": commits[-1].commit}
    return answer(200, body, etag=f'"{version}"')


def _one_at_most(request: HttpRequest, *names: str) -> None:
    """Raises Problem 400 that names the last of several parameters that exclude each other."""
    given = [name for name in names if name in request.query]
    if len(given) > 1:
        raise bad_parameter(given[-1], f"and {given[-2]} exclude each other")


def _had(request: HttpRequest) -> int | None:
    """The version that the caller has, by If-None-Match. Raises Problem 400."""
    tag = request.headers.get("if-none-match")
    if tag is None:
        return None
    match = _TAG.fullmatch(tag.strip())
    if not match:
        detail = 'If-None-Match must be one entity tag, a version in quotes: "3".'
        raise Problem(400, "malformed-if-none-match", detail)
    return int(match[1])


def _wait_for_after(request: HttpRequest) -> None:
    """Wait until each order in the parameter after is shown at its version.

    Raises Problem 503 when one is not, and 404 when one is not the caller's: which, is not told.
    """
    wanted = _after(request)
    if not wanted:
        return
    look = side.queries.shown(list(wanted))
    for stream, shown in look.items():
        if shown.customer_id is None:  # as in _projected_order
            _own_history(request, stream.removeprefix("order-"))
        elif not may_read(request, shown.customer_id):
            raise unknown_order()
    look = waited_for(
        look,
        lambda: side.queries.shown(list(wanted)),
        lambda seen: not (behind := _behind(seen, wanted)) or any(one.parked for one in behind),
        WAIT_S,
    )
    if behind := _behind(look, wanted):
        raise _not_yet_all(look, parked=any(one.parked for one in behind))


def _after(request: HttpRequest) -> dict[str, int]:
    """Streams and the versions they must be shown at. Raises Problem 400."""
    text = request.query.get("after")
    if text is None:
        return {}
    parts = text.split(",", MOST_AFTER)
    matches = [match for part in parts if (match := _AFTER.fullmatch(part))]
    if len(matches) < len(parts) or len(parts) > MOST_AFTER:
        raise bad_parameter("after", f"must be ORDER:VERSION, up to {MOST_AFTER} between commas")
    wanted: dict[str, int] = {}
    for order_id, version in (match.groups() for match in matches):
        stream = _stream(order_id)
        wanted[stream] = max(int(version), wanted.get(stream, 0))
    return wanted


def _behind(seen: Mapping[str, Shown], wanted: Mapping[str, int]) -> list[Shown]:
    return [seen[stream] for stream, version in wanted.items() if seen[stream].version < version]


def _shows(found: Found, wanted: int) -> bool:
    return found.row is not None and found.row.version >= wanted


def _lag(lag_s: float | None) -> str:
    """The header: whole seconds, never less than the truth."""
    return "unknown" if lag_s is None else str(max(0, math.ceil(lag_s)))


def _stream(order_id: str) -> str:
    return f"order-{order_id}"


def _customer(request: HttpRequest) -> str:
    """Whose orders are asked for. Raises Problem 400, and 403 when the caller may not read them."""
    customer_id = request.customer("customer")
    if not may_read(request, customer_id):
        detail = f"Another customer's orders are for tokens with the scope {READ_ALL}."
        raise Problem(403, "another-customer", detail, parameter="customer")
    return customer_id


def _own_history(request: HttpRequest, order_id: str) -> list[Commit]:
    """Raises Problem 404 for an order that is unknown or not for the caller to read."""
    commits = side.orders.store.load(_stream(order_id))
    state = side.orders.state(commits[:1])  # whose it is, it stays
    if isinstance(state, NotPlaced) or not may_read(request, state.customer_id):
        raise unknown_order()
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
            "data": _opened(event, commit.stream),
        }
        for index, event in enumerate(side.orders.codec.decode(commit.body))
    ]


def _opened(event: Event, stream: str) -> Event:
    if not isinstance(event, OrderPlaced):
        return event
    opening = Opening(side.keys, event.customer_id)
    delivery = opening.delivery(stream.removeprefix("order-"), event.delivery)
    return msgspec.structs.replace(event, delivery=delivery)


def _shown(row: Any, opening: Opening) -> dict[str, Any]:
    """The order as its row shows it, its address opened."""
    return msgspec.structs.asdict(row) | {"delivery": opening.delivery(row.order_id, row.delivery)}


def _no_such_version(parameter: str, version: int, newest: int) -> Problem:
    detail = f"The order has no version {version}; its newest is {newest}."
    return Problem(404, "no-such-version", detail, parameter=parameter, version=newest)


def _not_yet_all(seen: Mapping[str, Shown], *, parked: bool) -> Problem:
    orders = [
        {"order_id": stream.removeprefix("order-"), "version": shown.version}
        | ({"parked": True} if shown.parked else {})
        for stream, shown in seen.items()
    ]
    if parked:
        detail = "An order that after names is parked below its version until it is repaired."
        headers = {"retry-after": "60"}
        return Problem(503, "orders-parked", detail, headers=headers, orders=orders)
    detail = "Not every order that after names is shown at its version so far."
    headers = {"retry-after": "1"}
    return Problem(503, "orders-not-yet-visible", detail, headers=headers, orders=orders)
