"""The emulator's side of polls that wait (bitacora/delivery/long_polls.py)."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from bitacora.delivery.long_polls import WAIT_HEADER, WAITED_HEADER

Response = tuple[int, dict[str, str], bytes]
Handle = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")


class Writes:
    """Who waits for the next write of anything. What some thread of MiniStack writes on its own
    (expiry, a rule's target) wakes nobody: a poll that waits finds it when its time is over."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    async def next(self, within_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), within_s)


def let_polls_wait(*services: Any) -> None:
    """Replace `handle_request` of the modules that write and read streams."""
    writes = Writes()
    for service in services:
        service.handle_request = _waiting(service.handle_request, writes)


def _waiting(handle: Handle, writes: Writes) -> Handle:
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        answer = await handle(method, path, headers, body, query)
        if not operation.startswith(READS):
            writes.tell()
        wait_s = _wait_s(headers) if operation == "GetRecords" else 0.0
        started = time.monotonic()
        while _is_empty(answer) and (left := started + wait_s - time.monotonic()) > 0:
            await writes.next(left)
            answer = await handle(method, path, headers, body, query)
        if wait_s:
            waited_ms = int((time.monotonic() - started) * 1000)
            answer = (answer[0], {**answer[1], WAITED_HEADER: str(waited_ms)}, answer[2])
        return answer

    return handle_request


def _wait_s(headers: dict[str, str]) -> float:
    asked = headers.get(WAIT_HEADER, "")
    return int(asked) / 1000 if asked.isdecimal() else 0.0


def _is_empty(answer: Response) -> bool:
    """Nothing to read, but perhaps later: neither records, nor the shard's end, nor a refusal."""
    status, _, body = answer
    if status != 200:
        return False
    page = json.loads(body)
    return page.get("Records") == [] and bool(page.get("NextShardIterator"))
