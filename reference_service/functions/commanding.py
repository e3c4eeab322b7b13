"""What HTTP commands share: their id, their cause, and what is told when they are not done."""

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from reference_service.aws.http_api import HttpRequest, Problem
from reference_service.cqrs.commit import Cause
from reference_service.cqrs.execution import (
    Contended,
    KeyReused,
    OutcomeUnknown,
    Stale,
    TooLarge,
)
from reference_service.cqrs.store import Unavailable
from reference_service.schemas import InvalidEvent, Undecodable

T = TypeVar("T")
logger = logging.getLogger(__name__)

_KEY = re.compile(r"[!-~]{1,255}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def command_id(request: HttpRequest) -> str:
    """The same for every repeat. Raises Problem 400 without an Idempotency-Key."""
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        detail = "Send an Idempotency-Key header of 1 to 255 visible ASCII characters."
        raise Problem(400, "idempotency-key-required", detail)
    return digest(f"{request.subject}\n{key}".encode())


def cause(request: HttpRequest, command: str, asked: Any) -> Cause:
    """Of the command with this id; `asked` is what its repeats must ask for too."""
    traceparent = request.headers.get("traceparent", "")
    return Cause(
        command_id=command,
        fingerprint=digest(msgspec.json.encode(asked, order="sorted")),
        actor=request.subject,
        causation=request.request_id,
        correlation=command,
        traceparent=traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
    )


def done(stream: str, execute: Callable[[], T]) -> T:
    """What the execution on the stream came to. Raises Problem when it could not be tried."""
    try:
        return execute()
    except Unavailable as fault:
        raise unavailable(stream, fault) from fault
    except (Undecodable, InvalidEvent) as fault:
        logger.exception("%s: events break their contract", stream)
        detail = "Stored events can't be read or written by this deployment."
        raise Problem(500, "unreadable-history", detail) from fault


def unavailable(stream: str, fault: Unavailable) -> Problem:
    """Nothing was done."""
    logger.warning("%s: %s", stream, fault)
    detail = "A store does not answer; nothing was done."
    return Problem(503, "unavailable", detail, headers={"retry-after": "1"})


def not_done(
    stream: str, outcome: Stale | KeyReused | TooLarge | Contended | OutcomeUnknown
) -> Problem:
    """Why the command was not done, or perhaps not."""
    retry_soon = {"retry-after": "1"}
    match outcome:
        case Stale(version):
            detail = f"The order has moved on to version {version}."
            etag = {"etag": f'"{version}"'}
            return Problem(412, "stale", detail, headers=etag, version=version)
        case KeyReused():
            detail = "This Idempotency-Key was used before for another command."
            return Problem(422, "idempotency-key-reused", detail)
        case TooLarge(size_bytes):
            detail = f"The commit would take {size_bytes} bytes, more than can be stored."
            return Problem(413, "commit-too-large", detail)
        case Contended(attempts):
            detail = f"Others changed the same {attempts} times meanwhile; nothing was done."
            return Problem(503, "contended", detail, headers=retry_soon)
        case OutcomeUnknown(reason):
            logger.warning("%s: outcome unknown: %s", stream, reason)
            return unknown()


def unknown() -> Problem:
    detail = "The outcome is unknown; repeat with the same Idempotency-Key."
    return Problem(503, "outcome-unknown", detail, headers={"retry-after": "1"})


def digest(data: bytes) -> str:
    """32 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()[:32]
