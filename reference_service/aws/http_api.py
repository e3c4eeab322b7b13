"""HTTP API events (payload format 2.0) and their answers; errors as RFC 9457 problem details."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

BODY_LIMIT_BYTES = 256 * 1024

# What contracts/ takes for an id; a subject beyond it could own no order.
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ORDER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The scope of a token whose holder may read every customer's orders: support staff.
READ_ALL = "orders:read-all"
# RFC 3339, date-time: what ISO 8601 allows beyond that is refused.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
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


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`route` is API Gateway's key ("POST /orders"); header names are lower-case.

    `scopes` are what the issuer lets the token's holder do beside what every subject may.
    """

    route: str
    subject: str
    request_id: str
    scopes: frozenset[str] = frozenset()
    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def order_id(self) -> str:
        """The order in the path. Raises Problem 404.

        What is no id can't be looked up: a key of DynamoDB has its limit, a path has another.
        """
        text = self.path["order_id"]
        if not _ORDER_ID.fullmatch(text):
            raise unknown_order()
        return text

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
        digits = text.isascii() and text.isdigit() and len(text) <= 18
        if not (digits and lowest <= int(text) <= highest):
            raise bad_parameter(name, f"must be an integer from {lowest} to {highest}")
        return int(text)

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """A query parameter that is one of the choices. Raises Problem 400."""
        text = self.query.get(name)
        if text is not None and text not in choices:
            raise bad_parameter(name, f"must be one of {', '.join(choices)}")
        return text

    def customer(self, name: str) -> str:
        """A query parameter that is a customer's id, the caller's own without it.

        Raises Problem 400.
        """
        text = self.query.get(name, self.subject)
        if not is_customer(text):
            raise bad_parameter(name, "must be a customer's id")
        return text

    def moment(self, name: str) -> datetime | None:
        """A query parameter that is a moment of RFC 3339, in UTC. Raises Problem 400."""
        text = self.query.get(name)
        if text is None:
            return None
        moment = _moment(text)
        if moment is None:
            example = "2026-01-05T09:00:00Z or 2026-01-05T10:00:00%2B01:00"
            raise bad_parameter(name, f"must be a moment with its zone, as {example}")
        return moment


def is_customer(text: str) -> bool:
    """Whether it can be a customer's id."""
    return bool(_SUBJECT.fullmatch(text))


def bad_parameter(name: str, fault: str) -> Problem:
    """Problem 400 that names the query parameter; `fault` goes on from its name, as in "must …"."""
    return Problem(400, "bad-parameter", f"{name} {fault}.", parameter=name)


def unknown_order() -> Problem:
    return Problem(404, "unknown-order", "There is no such order.")


def parse(event: Mapping[str, Any]) -> HttpRequest:
    """The request in an event of payload format 2.0; the caller is the token's subject.

    Raises Problem 401 for a token whose subject can't be a customer's id.
    """
    context = event["requestContext"]
    claims = context.get("authorizer", {}).get("jwt", {}).get("claims", {})
    subject = claims.get("sub", "")
    if not is_customer(subject):
        raise Problem(401, "no-customer", "The token's subject is no customer's id.")
    body = event.get("body") or ""
    return HttpRequest(
        route=event["routeKey"],
        subject=subject,
        request_id=context["requestId"],
        scopes=_scopes(claims),
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): text for name, text in (event.get("headers") or {}).items()},
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(),
    )


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """What the claims scope (RFC 8693) and scp name, with spaces between.

    An HTTP API hands every claim over as text; a list ["a", "b"], as some issuers have it in scp,
    comes as "[a b]". Source: observed, AWS does not say; floci-io/floci#2011.
    """
    texts = [text for name in ("scope", "scp") if isinstance(text := claims.get(name), str)]
    inner = [text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text for text in texts]
    return frozenset(scope for text in inner for scope in text.split(" ") if scope)


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None


def answer(
    status: int, body: Any, *, content_type: str = "application/json", **headers: str
) -> dict[str, Any]:
    """An answer of payload format 2.0; header names in keywords stand with underscores."""
    return {
        "statusCode": status,
        "headers": {"content-type": content_type, **_sent(headers)},
        "body": msgspec.json.encode(body).decode(),
    }


def unchanged(**headers: str) -> dict[str, Any]:
    """The answer that there is nothing newer than what the caller has: 304, without a body."""
    return {"statusCode": 304, "headers": _sent(headers)}


def _sent(headers: Mapping[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return {"cache-control": "no-store", **named}


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
