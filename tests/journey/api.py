"""The HTTP API as a customer's program sees it."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

TIMEOUT_S = 120


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def problem(self) -> str:
        """The last word of the problem's type."""
        return str(self.body.get("type", "")).rpartition(":")[2]


@dataclass(frozen=True)
class Customer:
    """`token` may be empty: then none is sent."""

    url: str
    token: str

    def get(self, path: str, **headers: str) -> Answer:
        return self._send("GET", path, None, headers)

    def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> Answer:
        """`body` is sent as it is when it is bytes; `key` "" sends no Idempotency-Key."""
        key = uuid4().hex if key is None else key
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._send(
            "POST", path, content, {"Idempotency-Key": key} | headers if key else headers
        )

    def _send(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> Answer:
        sent = {"Content-Type": "application/json"} if content is not None else {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, content, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return _answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            return _answer(answer.code, answer.headers, answer.read())


def _answer(status: int, headers: Any, content: bytes) -> Answer:
    body = json.loads(content) if content else None
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


def line(sku: str = "MUG-1", quantity: int = 2, amount: int = 1250, currency: str = "EUR") -> Any:
    return {
        "sku": sku,
        "quantity": quantity,
        "unit_price": {"amount": amount, "currency": currency},
    }


def order(*lines: Any) -> Any:
    return {
        "lines": list(lines) or [line()],
        "delivery": {
            "recipient": "Ada Lovelace",
            "street": "12 St James's Square",
            "city": "London",
            "postal_code": "SW1Y 4JH",
            "country": "GB",
        },
    }


def payment(amount: int, currency: str = "EUR", payment_id: str = "pay-1") -> Any:
    return {"payment_id": payment_id, "amount": {"amount": amount, "currency": currency}}
