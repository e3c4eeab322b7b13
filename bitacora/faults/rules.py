"""Which requests meet which fault: pure data and matching."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import parse_qs

from bitacora.faults.http1 import Message

_CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class LoseAnswer:
    """The request takes effect; the connection closes without an answer."""


@dataclass(frozen=True)
class Refuse:
    """The connection is reset before the request has any effect."""


@dataclass(frozen=True)
class Delay:
    """The request is held back, then takes effect and is answered."""

    delay_s: float


@dataclass(frozen=True)
class SlowAnswer:
    """The request takes effect at once; its answer is held back."""

    delay_s: float


@dataclass(frozen=True)
class Throttle:
    """The service refuses the request as one too many (status 400); it has no effect."""


@dataclass(frozen=True)
class PartlyRefuse:
    """Of a PutRecords or PutEvents some entries, at least one, are refused; the rest takes effect
    and the answer has status 200, as the services document it."""


@dataclass(frozen=True)
class EndCaller:
    """The process that calls is ended on the spot: before the request has any effect, or after."""

    after: bool = True


Fault = LoseAnswer | Refuse | Delay | SlowAnswer | Throttle | PartlyRefuse | EndCaller


@dataclass(frozen=True)
class Call:
    """One request to AWS. `operation` is `PutItem`, or `PUT /bucket/key` for a REST service."""

    service: str
    operation: str
    body: bytes


def any_body(_: bytes) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`operation` may hold `*`. The fault strikes `times` matching calls (None: all): the first for
    certain, so that it is met at all, each other with `probability`, drawn from a generator seeded
    with `seed`."""

    fault: Fault
    service: str
    operation: str
    body: Callable[[bytes], bool] = any_body
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0

    def matches(self, call: Call) -> bool:
        return (
            self.service == call.service
            and fnmatchcase(call.operation, self.operation)
            and self.body(call.body)
        )


def call_of(request: Message) -> Call:
    """Service from the signature's credential scope; operation from X-Amz-Target (JSON protocols),
    the Action parameter (query protocol) or method and path (REST)."""
    service, _ = scope_of(request)
    return Call(service, _operation(request), request.body)


def scope_of(request: Message) -> tuple[str, str]:
    """Service and region that the request is signed for; empty when it is not signed."""
    scope = _CREDENTIAL_SCOPE.search(request.headers.get("authorization", ""))
    return (scope[2], scope[1]) if scope else ("", "")


def _operation(request: Message) -> str:
    if target := request.headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(request.body.decode("utf-8", "replace"))
        if "Action" in form:
            return form["Action"][0]
    method, target = request.start.split(" ")[:2]
    return f"{method} {target.partition('?')[0]}"
