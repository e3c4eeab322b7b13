"""HTTP/1.1 messages as the proxy passes them: read whole, sent on byte by byte as they came."""

from asyncio import IncompleteReadError, StreamReader
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"
BODILESS = frozenset({"204", "304"})


class MalformedMessage(Exception):
    """What came over the connection is no HTTP/1.1 message."""


@dataclass(frozen=True)
class Message:
    """`start` is the request or status line, header names are lower-case, `body` is unchunked.

    `raw` are the bytes as received: signatures stay right because nothing is rewritten.
    """

    start: str
    headers: dict[str, str]
    body: bytes
    raw: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


async def read_request(
    reader: StreamReader, answer_continue: Callable[[], Awaitable[None]]
) -> Message | None:
    """The next request, or None when the client closed between two requests.

    A client that asks `Expect: 100-continue` (botocore does for S3 uploads) is told to go on, and
    the header is taken out: no signature covers it (botocore.auth.SIGNED_HEADERS_BLACKLIST).
    """
    try:
        head = await reader.readuntil(HEAD_END)
    except IncompleteReadError as end:
        if end.partial:
            raise MalformedMessage(f"closed inside a head: {end.partial[:80]!r}") from end
        return None
    start, headers = _parse(head)
    if headers.pop("expect", "").lower() == "100-continue":
        head = _without(head, b"expect")
        await answer_continue()
    body, raw = await _read_body(reader, headers, until_close=False)
    return Message(start, headers, body, head + raw)


async def read_response(reader: StreamReader, method: str) -> Message:
    """The final response to a request of this method; interim 1xx responses are passed over."""
    while True:
        head = await reader.readuntil(HEAD_END)
        start, headers = _parse(head)
        status = start.split(" ", 2)[1]
        if not status.startswith("1"):
            break
    if method == "HEAD" or status in BODILESS:
        return Message(start, headers, b"", head)
    body, raw = await _read_body(reader, headers, until_close=True)
    return Message(start, headers, body, head + raw)


async def _read_body(
    reader: StreamReader, headers: dict[str, str], *, until_close: bool
) -> tuple[bytes, bytes]:
    """(the body, its bytes as received). A response without a length ends with the connection."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = await reader.read() if until_close else b""
    return body, body


async def _read_chunks(reader: StreamReader) -> tuple[bytes, bytes]:
    body, raw = bytearray(), bytearray()
    while True:
        line = await reader.readuntil(LINE_END)
        raw += line
        size = int(line.split(b";", 1)[0], 16)
        if size == 0:
            break
        chunk = await reader.readexactly(size + len(LINE_END))
        raw += chunk
        body += chunk[:size]
    while (trailer := await reader.readuntil(LINE_END)) != LINE_END:
        raw += trailer
    return bytes(body), bytes(raw + LINE_END)


def _parse(head: bytes) -> tuple[str, dict[str, str]]:
    start, *lines = head[: -len(HEAD_END)].decode("latin-1").split("\r\n")
    if len(start.split(" ", 2)) < 2:
        raise MalformedMessage(f"no request or status line: {start[:80]!r}")
    pairs = (line.partition(":") for line in lines)
    return start, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _without(head: bytes, name: bytes) -> bytes:
    lines = head.split(LINE_END)
    return LINE_END.join(line for line in lines if not line.lower().startswith(name + b":"))
