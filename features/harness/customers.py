"""What a customer's device does: requests to the public API, and the answers to them."""

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from bitacora.audit.until import until
from reference_service.schemas import CONTRACTS

if TYPE_CHECKING:
    from features.harness.history import History

ANSWER_TIMEOUT_S = 120
TRY_FOR_S = 180
TRY_AGAIN = ("urn:bitacora:problem:unavailable", "urn:bitacora:problem:contended")
UNKNOWN = "urn:bitacora:problem:outcome-unknown"
ORDER: dict[str, Any] = json.loads(
    (CONTRACTS / "commands/place_order/examples/v1-full.json").read_bytes()
)
TOTAL = sum(line["quantity"] * line["unit_price"]["amount"] for line in ORDER["lines"])
CURRENCY = ORDER["lines"][0]["unit_price"]["currency"]


@dataclass(frozen=True)
class Answer:
    """`body` is the JSON object in the answer."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def problem(self) -> str | None:
        """The kind of a refusal. Of an error of the gateway's nobody knows what became of it."""
        return UNKNOWN if self.status >= 500 and "type" not in self.body else self.body.get("type")

    @property
    def told(self) -> tuple[int, str | None, dict[str, Any]]:
        """What a customer may rely on: status, version (ETag) and body."""
        return self.status, self.headers.get("etag"), self.body


@dataclass(frozen=True)
class Request:
    """One command as it is sent, so that it can be sent again."""

    path: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: uuid4().hex)
    expected_version: int | None = None


@dataclass(frozen=True)
class Customer:
    """One person; any number of devices. What is asked and answered is noted in `history`."""

    customer_id: str
    token: str
    api_url: str
    history: "History"

    def send(self, request: Request, repeated: Collection[str] = TRY_AGAIN) -> Answer:
        """The answer; a device that is told that nothing was done and to try again does so."""
        return until(
            "an answer that is more than «try again»",
            lambda: self._send(request),
            lambda answer: answer.problem not in repeated,
            at_most_s=TRY_FOR_S,
        )

    def get_through(self, request: Request) -> Answer:
        """As `send`, and what ended in an unknown outcome is repeated too, with its key."""
        return self.send(request, (*TRY_AGAIN, UNKNOWN))

    def _send(self, request: Request) -> Answer:
        headers = {"Content-Type": "application/json", "Idempotency-Key": request.key}
        if request.expected_version is not None:
            headers["If-Match"] = f'"{request.expected_version}"'
        return self.history.exchanged(
            self.customer_id,
            request,
            lambda: self._call("POST", request.path, headers, json.dumps(request.body).encode()),
        )

    def erase(self) -> Answer:
        """Ask for the end of all that is personal; an answer that is no «done» may be repeated."""
        headers = {"Idempotency-Key": uuid4().hex}
        return self._call("DELETE", "/personal-data", headers, b"")

    def send_at_once(self, requests: Sequence[Request]) -> list[Answer]:
        """A device for each."""
        with ThreadPoolExecutor(len(requests)) as devices:
            return list(devices.map(self.send, requests))

    def read(self, path: str) -> Answer:
        return self.history.exchanged(
            self.customer_id, path, lambda: self._call("GET", path, {}, b"")
        )

    def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        address = urlsplit(self.api_url)
        connection = HTTPConnection(address.netloc, timeout=ANSWER_TIMEOUT_S)
        try:
            target = address.path.rstrip("/") + path
            authorized = {"Authorization": f"Bearer {self.token}", **headers}
            connection.request(method, target, body, authorized)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, json.loads(response.read()))
        finally:
            connection.close()


def placement() -> Request:
    return Request("/orders", ORDER)


def payment(order_id: str, amount: int = 1, expected_version: int | None = None) -> Request:
    """`amount` in minor units. Payment ids differ: each is a different command."""
    body = {
        "payment_id": f"payment-{uuid4().hex[:12]}",
        "amount": {"amount": amount, "currency": CURRENCY},
    }
    return Request(f"/orders/{order_id}/payments", body, expected_version=expected_version)


def cancellation(order_id: str, expected_version: int | None = None) -> Request:
    path, body = f"/orders/{order_id}/cancellation", {"reason": "changed_mind"}
    return Request(path, body, expected_version=expected_version)
