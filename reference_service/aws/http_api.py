"""HTTP API events (payload format 2.0) and their answers; errors as RFC 9457 problem details."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

BODY_LIMIT_BYTES = 256 * 1024

# What contracts/ takes for an id; a subject beyond it could own no order.
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    404: "Not found",
    409: "Refused",
    412: "Precondition failed",
    413: "Content too large",
    422: "Unprocessable content",
    500: "Internal error",
    503: "Try again",
}


class Problem(Exception):
    """An error answer. `kind` is kebab-case; `members` extend the problem details."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """`route` is API Gateway's key ("POST /orders"); header names are lower-case."""

    route: str
    subject: str
    request_id: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Problem 400 and 413."""
        if len(self.body) > BODY_LIMIT_BYTES:
            raise Problem(
                413, "body-too-large", f"The body may take {BODY_LIMIT_BYTES} bytes at most."
            )
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            raise Problem(400, "malformed-json", f"The body is not JSON: {fault}.") from fault
        if not isinstance(value, dict):
            raise Problem(400, "malformed-json", "The body must be a JSON object.")
        return value

    def integer(self, name: str, default: int, lowest: int, highest: int) -> int:
        """An integer query parameter. Raises Problem 400."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and lowest <= int(text[:18]) <= highest):
            detail = f"{name} must be an integer from {lowest} to {highest}."
            raise Problem(400, "bad-parameter", detail, parameter=name)
        return int(text)


def parse(event: Mapping[str, Any]) -> HttpRequest:
    """The request in an event of payload format 2.0; the caller is the token's subject.

    Raises Problem 401 for a token whose subject can't be a customer's id.
    """
    context = event["requestContext"]
    subject = context.get("authorizer", {}).get("jwt", {}).get("claims", {}).get("sub", "")
    if not _SUBJECT.fullmatch(subject):
        raise Problem(401, "no-customer", "The token's subject is no customer's id.")
    body = event.get("body") or ""
    return HttpRequest(
        route=event["routeKey"],
        subject=subject,
        request_id=context["requestId"],
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): text for name, text in (event.get("headers") or {}).items()},
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )


def answer(
    status: int, body: Any, *, content_type: str = "application/json", **headers: str
) -> dict[str, Any]:
    """An answer of payload format 2.0; header names in keywords stand with underscores."""
    return {
        "statusCode": status,
        "headers": {
            "content-type": content_type,
            "cache-control": "no-store",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        },
        "body": msgspec.json.encode(body).decode(),
    }


def problem_answer(problem: Problem) -> dict[str, Any]:
    details = {
        "type": f"urn:bitacora:problem:{problem.kind}",
        "title": TITLES[problem.status],
        "status": problem.status,
        "detail": problem.detail,
        **problem.members,
    }
    content_type = "application/problem+json"
    return answer(problem.status, details, content_type=content_type, **problem.headers)
