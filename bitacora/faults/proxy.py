"""A loopback HTTP proxy that forwards every byte, and on demand loses, delays or refuses.

Functions reach the cloud through it (`kit:endpoint` is its URL). The Host header is passed on as it
came, because requests are signed. Each request has a connection of its own to the cloud: an idle
one that the cloud closes would look like a fault nobody asked for.
"""

import asyncio
import random
import socket
import struct
import threading
import time
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from bitacora.faults.callers import end_process_behind
from bitacora.faults.http1 import MalformedMessage, Message, read_request, read_response
from bitacora.faults.partial import Batch, throttled
from bitacora.faults.rules import (
    Call,
    Delay,
    EndCaller,
    LoseAnswer,
    PartlyRefuse,
    Refuse,
    Rule,
    SlowAnswer,
    Throttle,
    call_of,
)

HOST = "127.0.0.1"
STOP_TIMEOUT_S = 5.0
MOMENTS = 1000
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with time 0: close sends a reset


class Injection:
    """A rule at work. `applied` counts the calls that met its fault, `moments` are when (of
    time.monotonic, the last ones)."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.applied = 0
        self.moments: deque[float] = deque(maxlen=MOMENTS)
        self.random = random.Random(rule.seed)

    def strikes(self, call: Call) -> bool:
        if self.rule.times is not None and self.applied >= self.rule.times:
            return False
        if not self.rule.matches(call):
            return False
        if self.applied and self.random.random() >= self.rule.probability:
            return False
        self.applied += 1
        self.moments.append(time.monotonic())
        return True


class FaultProxy:
    """`with FaultProxy(lambda: cloud_url) as proxy:` listens on a free loopback port, `proxy.url`.

    `upstream` is asked at each request: the cloud's port may be known only after the proxy's.
    """

    def __init__(self, upstream: Callable[[], str]) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._injections: list[Injection] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faults", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connected, HOST, 0), self._loop
        ).result(STOP_TIMEOUT_S)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(STOP_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        self._loop.close()

    def inject(self, rule: Rule) -> Injection:
        """From now on calls that match meet the fault; the first rule that strikes wins."""
        injection = Injection(rule)
        with self._lock:
            self._injections.append(injection)
        return injection

    def clear(self) -> None:
        """No more faults. Calls already held back go on."""
        with self._lock:
            self._injections.clear()

    def seen(self, service: str, operation: str) -> int:
        """How many such calls came in, struck or not."""
        with self._lock:
            return self._seen[service, operation]

    def _struck_by(self, call: Call) -> Injection | None:
        with self._lock:
            self._seen[call.service, call.operation] += 1
            return next((one for one in self._injections if one.strikes(call)), None)

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        async def go_on() -> None:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await writer.drain()

        try:
            while request := await read_request(reader, go_on):
                answer = await self._answer(request, writer)
                if answer is None:
                    return
                writer.write(answer.raw)
                await writer.drain()
                if request.closes or answer.closes:
                    return
        except (ConnectionError, IncompleteReadError, MalformedMessage):
            _reset(writer)  # what the other side did is what the client sees
        finally:
            writer.close()

    async def _answer(self, request: Message, client: StreamWriter) -> Message | None:
        """The cloud's answer, or None when the client gets none."""
        struck = self._struck_by(call_of(request))
        match struck and struck.rule.fault:
            case Refuse():
                raise ConnectionResetError("refused by a rule")
            case LoseAnswer():
                await self._forward(request)
                return None
            case Delay(delay_s):
                await asyncio.sleep(delay_s)
            case SlowAnswer(delay_s):
                answer = await self._forward(request)
                await asyncio.sleep(delay_s)
                return answer
            case Throttle():
                return throttled(request)
            case PartlyRefuse() if struck:
                batch = Batch.of(request, struck.random)
                return batch.answer(await self._forward(batch.passed) if batch.passed else None)
            case EndCaller(after):
                if after:
                    await self._forward(request)
                end_process_behind(client.get_extra_info("peername"))
                return None
        return await self._forward(request)

    async def _forward(self, request: Message) -> Message:
        address = urlsplit(self._upstream())
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(request.raw)
            await writer.drain()
            return await read_response(reader, request.start.split(" ", 1)[0])
        finally:
            writer.close()

    async def _end(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)


def _reset(writer: StreamWriter) -> None:
    with suppress(OSError):  # who called may be gone
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
        )
    writer.close()
