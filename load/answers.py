"""Whether an answer is the right one: a 2xx alone is no success. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from load.journey import Cancel, ListOwn, Pay, Place, ReadOwn, Step

ORDER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
REPEATABLE = frozenset({0, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """`status` 0: no answer came, `problem` says why. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    problem: str = ""

    @property
    def repeatable(self) -> bool:
        """The same request with the same Idempotency-Key may be sent again, and should."""
        return self.status in REPEATABLE

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object in it; empty when there is none."""
        try:
            value = json.loads(self.content)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Known:
    """What the customer knows of an order before a step: its id and the version last told."""

    order_id: str = ""
    version: int = 0


def fault(step: Step, answer: Answer, known: Known) -> str | None:
    """What is wrong with the answer to the step, None when it is as promised."""
    if answer.problem:
        return answer.problem
    if isinstance(step, Cancel) and step.contested and answer.status == 409:
        return None
    wanted = 201 if isinstance(step, Place) else 200
    if answer.status != wanted:
        return f"{answer.status} {answer.body.get('type', '')} {answer.body.get('detail', '')}"
    match step:
        case Place():
            return _placed(answer)
        case Pay(last=last):
            status, version = ("confirmed", 2) if last else ("placed", 1)
            return _changed(answer, known, status, known.version + version)
        case Cancel():
            return _changed(answer, known, "cancelled", known.version + 1)
        case ReadOwn():
            return _read(answer, known)
        case ListOwn():
            return _listed(answer, known)


def _placed(answer: Answer) -> str | None:
    order_id = str(answer.body.get("order_id"))
    if not ORDER_ID.fullmatch(order_id):
        return f"the order id is {order_id!r}"
    if answer.headers.get("location") != f"/orders/{order_id}":
        return f"the location is {answer.headers.get('location')!r}"
    return _changed(answer, Known(order_id), "placed", 1)


def _changed(answer: Answer, known: Known, status: str, version: int) -> str | None:
    """A command's answer tells the order, its status, its version (also as ETag), its commit."""
    told = {name: answer.body.get(name) for name in ("order_id", "status", "version")}
    expected = {"order_id": known.order_id, "status": status, "version": version}
    if told != expected:
        return f"told {told} instead of {expected}"
    if answer.headers.get("etag") != f'"{version}"':
        return f"the ETag is {answer.headers.get('etag')!r} at version {version}"
    commit = answer.body.get("commit")
    if not isinstance(commit, int) or not 1 <= commit <= version:
        return f"the commit is {commit!r} at version {version}"
    return None


def _read(answer: Answer, known: Known) -> str | None:
    order_id, version = answer.body.get("order_id"), answer.body.get("version")
    if order_id != known.order_id:
        return f"the order is {order_id!r} instead of {known.order_id}"
    if not isinstance(version, int) or version < known.version:
        return f"the version is {version!r}, at least {known.version} was asked for"
    return None


def _listed(answer: Answer, known: Known) -> str | None:
    listed = answer.body.get("orders")
    if not isinstance(listed, list) or not all(isinstance(order, dict) for order in listed):
        return "there is no list of orders"
    ids = [order.get("order_id") for order in listed]
    return None if known.order_id in ids else f"the order is not among the {len(ids)} listed"
