"""HTTP commands: POST /orders, /orders/{order_id}/payments, /orders/{order_id}/cancellation."""

import hashlib
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
from reference_service.cqrs.store import Unavailable
from reference_service.functions import commanding
from reference_service.order import address
from reference_service.order.commands import (
    SCHEMAS,
    CancelOrder,
    CustomerCommand,
    PlaceOrder,
    ReceivePayment,
    customer_command,
)
from reference_service.order.events import Delivery
from reference_service.order.rejections import Rejection, UnknownOrder
from reference_service.order.state import NotPlaced, Order
from reference_service.sealing import proof
from reference_service.settings import CommandSettings

side = bootstrap.command(CommandSettings.from_environment(os.environ))

COMMANDS: dict[str, type[CustomerCommand]] = {
    "POST /orders": PlaceOrder,
    "POST /orders/{order_id}/payments": ReceivePayment,
    "POST /orders/{order_id}/cancellation": CancelOrder,
}
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,8})"')


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    try:
        request = parse(event)
        order_id, order_request = _order_request(request)
        stream = order_request.stream
        outcome = commanding.done(stream, lambda: side.orders.execute(order_request))
        response = _respond(request, order_id, outcome)
    except Problem as problem:
        response = problem_answer(problem)
    report("command", {"Commands": 1}, route=event.get("routeKey"), status=response["statusCode"])
    return response


def _order_request(request: HttpRequest) -> tuple[str, bootstrap.OrderRequest]:
    """What is asked, in the domain's words. Raises Problem for what is not well asked."""
    kind = COMMANDS[request.route]
    command_id = commanding.command_id(request)
    expected_version = _expected_version(request)
    body = request.json_object()
    if faults := side.orders.schemas.check(SCHEMAS[kind], body):
        errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]
        raise Problem(422, "invalid-body", "The body breaks its contract.", errors=errors)
    order_id = request.order_id if request.path else _new_order_id(command_id)
    command: CustomerCommand = customer_command(kind, request.subject, body)
    if isinstance(command, PlaceOrder):
        command, body = _sealed(command, body, order_id)
    asked = {"route": request.route, "path": dict(request.path), "body": body}
    return order_id, execution.Request(
        stream=f"order-{order_id}",
        command=command,
        cause=commanding.cause(request, command_id, asked),
        expected_version=expected_version,
    )


def _sealed(
    command: PlaceOrder, body: dict[str, Any], order_id: str
) -> tuple[PlaceOrder, dict[str, Any]]:
    """The command as the domain may know it, and its body as the fingerprint may."""
    assert isinstance(command.delivery, Delivery)
    try:
        key = side.keys.ensure(command.customer_id)
    except Unavailable as fault:
        raise commanding.unavailable(f"order-{order_id}", fault) from fault
    delivery = msgspec.json.encode(body["delivery"], order="sorted")
    sealed = address.sealed(command.delivery, key, order_id)
    return msgspec.structs.replace(command, delivery=sealed), {
        **body,
        "delivery": proof(delivery, key),
    }


def _expected_version(request: HttpRequest) -> int | None:
    etag = request.headers.get("if-match")
    if etag is None:
        return None
    match = _ETAG.fullmatch(etag.strip())
    if not match:
        detail = 'If-Match must be one strong entity tag, a version in quotes: "3".'
        raise Problem(400, "malformed-if-match", detail)
    return int(match[1])


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
        case refused:
            raise commanding.not_done(f"order-{order_id}", refused)


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
