"""HTTP commands: POST /orders, /orders/{order_id}/payments, /orders/{order_id}/cancellation."""

import hashlib
import logging
import os
import re
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from reference_service import bootstrap
from reference_service.aws.http_api import HttpRequest, Problem, answer, parse, problem_answer
from reference_service.aws.metrics import report
from reference_service.cqrs import execution
from reference_service.cqrs.commit import Cause
from reference_service.cqrs.store import Unavailable
from reference_service.order.commands import (
    SCHEMAS,
    CancelOrder,
    CustomerCommand,
    PlaceOrder,
    ReceivePayment,
    customer_command,
)
from reference_service.order.rejections import Rejection, UnknownOrder
from reference_service.order.state import NotPlaced, Order
from reference_service.schemas import InvalidEvent, Undecodable
from reference_service.settings import CommandSettings

orders = bootstrap.command(CommandSettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

COMMANDS: dict[str, type[CustomerCommand]] = {
    "POST /orders": PlaceOrder,
    "POST /orders/{order_id}/payments": ReceivePayment,
    "POST /orders/{order_id}/cancellation": CancelOrder,
}
_KEY = re.compile(r"[!-~]{1,255}")
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,8})"')
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    try:
        request = parse(event)
        order_id, order_request = _order_request(request)
        response = _respond(request, order_id, _execute(order_request))
    except Problem as problem:
        response = problem_answer(problem)
    report("command", {"Commands": 1}, route=event.get("routeKey"), status=response["statusCode"])
    return response


def _order_request(request: HttpRequest) -> tuple[str, bootstrap.OrderRequest]:
    """What is asked, in the domain's words. Raises Problem for what is not well asked."""
    kind = COMMANDS[request.route]
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        detail = "Send an Idempotency-Key header of 1 to 255 visible ASCII characters."
        raise Problem(400, "idempotency-key-required", detail)
    expected_version = _expected_version(request)
    body = request.json_object()
    if faults := orders.schemas.check(SCHEMAS[kind], body):
        errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]
        raise Problem(422, "invalid-body", "The body breaks its contract.", errors=errors)
    command_id = _hash(f"{request.subject}\n{key}".encode())[:32]
    order_id = request.order_id if request.path else _new_order_id(command_id)
    asked = {"route": request.route, "path": dict(request.path), "body": body}
    traceparent = request.headers.get("traceparent", "")
    return order_id, execution.Request(
        stream=f"order-{order_id}",
        command=customer_command(kind, request.subject, body),
        cause=Cause(
            command_id=command_id,
            fingerprint=_hash(msgspec.json.encode(asked, order="sorted"))[:32],
            actor=request.subject,
            causation=request.request_id,
            correlation=command_id,
            traceparent=traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
        ),
        expected_version=expected_version,
    )


def _expected_version(request: HttpRequest) -> int | None:
    etag = request.headers.get("if-match")
    if etag is None:
        return None
    match = _ETAG.fullmatch(etag.strip())
    if not match:
        detail = 'If-Match must be one strong entity tag, a version in quotes: "3".'
        raise Problem(400, "malformed-if-match", detail)
    return int(match[1])


def _execute(request: bootstrap.OrderRequest) -> bootstrap.OrderOutcome:
    try:
        return orders.execute(request)
    except Unavailable as fault:
        logger.warning("%s: %s", request.stream, fault)
        detail = "The event store does not answer; nothing was done."
        raise Problem(503, "unavailable", detail, headers={"retry-after": "1"}) from fault
    except (Undecodable, InvalidEvent) as fault:
        logger.exception("%s: events break their contract", request.stream)
        detail = "The order's events can't be read or written by this deployment."
        raise Problem(500, "unreadable-history", detail) from fault


def _respond(
    request: HttpRequest, order_id: str, outcome: bootstrap.OrderOutcome
) -> dict[str, Any]:
    """The outcome in HTTP: the one place where refusals become problems."""
    match outcome:
        case execution.Accepted(state, version, commit):
            placed = COMMANDS[request.route] is PlaceOrder
            headers = {"etag": f'"{version}"'}
            if placed:
                headers["location"] = f"/orders/{order_id}"
            return answer(
                201 if placed else 200, _order(order_id, state, version, commit), **headers
            )
        case execution.Refused(rejection):
            raise _refusal(rejection)
        case execution.Stale(version):
            detail = f"The order has moved on to version {version}."
            raise Problem(412, "stale", detail, headers={"etag": f'"{version}"'}, version=version)
        case execution.KeyReused():
            detail = "This Idempotency-Key was used before for another command."
            raise Problem(422, "idempotency-key-reused", detail)
        case execution.TooLarge(size_bytes):
            detail = f"The commit would take {size_bytes} bytes, more than can be stored."
            raise Problem(413, "commit-too-large", detail)
        case execution.Contended(attempts):
            detail = f"Others changed the order {attempts} times meanwhile; nothing was done."
            raise Problem(503, "contended", detail, headers={"retry-after": "1"})
        case execution.OutcomeUnknown(reason):
            logger.warning("order-%s: outcome unknown: %s", order_id, reason)
            detail = "The outcome is unknown; repeat with the same Idempotency-Key."
            raise Problem(503, "outcome-unknown", detail, headers={"retry-after": "1"})


def _order(order_id: str, state: Order, version: int, commit: int) -> dict[str, Any]:
    body = {"order_id": order_id, "version": version, "commit": commit}
    if isinstance(state, NotPlaced):
        return body
    return body | {"status": state.status, "total": state.total, "paid": state.paid}


def _refusal(rejection: Rejection) -> Problem:
    if isinstance(rejection, UnknownOrder):
        return Problem(404, "unknown-order", rejection.detail)
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(rejection).__name__).lower()
    facts = msgspec.to_builtins(rejection)
    if "status" in facts:  # in problem details that name is the answer's
        facts["order_status"] = facts.pop("status")
    return Problem(409, kind, rejection.detail, **facts)


def _new_order_id(command_id: str) -> str:
    """Derived, so that a repeat meets the same stream; RFC 9562 version 8 (custom)."""
    digest = bytearray(hashlib.sha256(f"order\n{command_id}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
