"""Erasure of a customer's personal data: DELETE /personal-data, an operator, what was left undone.

First the commit that tells of it, then the key's end. Whoever is interrupted between the two
leaves the commit on the log, from where this function takes up what was not finished.
"""

import logging
import os
import uuid
from collections.abc import Mapping
from typing import Any, assert_never

from reference_service import bootstrap
from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.http_api import Problem, answer, is_customer, parse, problem_answer
from reference_service.aws.metrics import report
from reference_service.aws.stream_records import deliveries
from reference_service.cqrs.commit import Cause
from reference_service.cqrs.execution import Accepted, Refused, Request
from reference_service.cqrs.projection import Delivery
from reference_service.cqrs.store import Unavailable
from reference_service.customer.decider import Customer, ErasePersonalData
from reference_service.functions import commanding
from reference_service.schemas import Undecodable
from reference_service.settings import ErasureSettings

side = bootstrap.erasure(ErasureSettings.from_environment(os.environ))
logger = logging.getLogger(__name__)

OPERATOR = "operator"


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    if "Records" in event:
        return _finish(deliveries(event))
    if "routeKey" in event:
        return _asked_by_customer(event)
    match event:
        case {"operation": "erase", "customer": str(customer)} if is_customer(customer):
            return _asked_by_operator(customer)
        case _:
            return {"error": "wanted is the operation erase with the id of a customer"}


def _asked_by_customer(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        request = parse(event)
        command_id = commanding.command_id(request)
        cause = commanding.cause(request, command_id, {"route": request.route})
        erased = _erase(request.subject, cause)
        response = answer(200, {"version": erased.version, "commit": erased.commit})
    except Problem as problem:
        response = problem_answer(problem)
    report("erasure", {"Erasures": 1}, status=response["statusCode"])
    return response


def _asked_by_operator(customer: str) -> dict[str, Any]:
    command_id = uuid.uuid4().hex
    cause = Cause(
        command_id=command_id,
        fingerprint="",
        actor=OPERATOR,
        causation=command_id,
        correlation=command_id,
    )
    try:
        erased = _erase(customer, cause)
    except Problem as problem:
        return {"error": problem.detail}
    report("erasure", {"Erasures": 1})
    keys = list(erased.state.destroyed)
    return {"version": erased.version, "commit": erased.commit, "destroyed": keys}


def _erase(customer: str, cause: Cause) -> Accepted[Customer]:
    """Raises Problem."""
    stream = bootstrap.customer_stream(customer)
    try:
        key_id = side.keys.current(customer)
    except Unavailable as fault:
        raise commanding.unavailable(stream, fault) from fault
    request = Request(stream=stream, command=ErasePersonalData(key_id), cause=cause)
    outcome = commanding.done(stream, lambda: side.execute(request))
    if isinstance(outcome, Refused):
        assert_never(outcome.rejection)
    if not isinstance(outcome, Accepted):
        raise commanding.not_done(stream, outcome)
    if key_id and key_id in outcome.state.destroyed:
        try:
            side.keys.destroy(customer, key_id)
        except Unavailable as fault:
            logger.warning("%s: told, and not done yet: %s", stream, fault)
            raise commanding.unknown() from fault
    return outcome


def _finish(batch: list[Delivery]) -> dict[str, Any]:
    """Destroy every key that the commits on the log tell of; most are gone already."""
    failed: list[str] = []
    unreadable: dict[str, str] = {}
    for delivery in batch:
        customer = bootstrap.customer_of(delivery.stream)
        if customer is None:
            continue
        try:
            for commit in delivery.commits:
                for event in side.codec.decode(commit.body):
                    side.keys.destroy(customer, event.key_id)
        except Unavailable as fault:
            logger.warning("%s: to be delivered again: %s", delivery.stream, fault)
            failed.append(delivery.id)
        except Undecodable as fault:
            # Delivered again it would hold up the others; the audit finds the key.
            unreadable[delivery.stream] = fault.reason
    report("erasure", {"Failed": len(failed), "Parked": len(unreadable)}, parked=unreadable)
    return batch_item_failures(failed)
