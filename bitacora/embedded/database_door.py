"""The database door: IAM database authentication in front of PostgreSQL, on loopback.

As on RDS, who is a member of `rds_iam` gives a signed token as password. The door has the emulator
verify its signature and simulate `rds-db:connect` for the role that signed it; everyone else is
passed on to PostgreSQL's own password check. The superuser has no way in. Membership counts when it
is inherited: who created such a user has it with ADMIN alone, and keeps the password, as on RDS.
Source: docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
Message formats: postgresql.org/docs/18/protocol-message-formats.html
"""

import asyncio
import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from bitacora.embedded.database_token import Denied
from bitacora.embedded.ports import LOOPBACK
from bitacora.embedded.postgres import IAM_ROLE, SUPERUSER, Postgres

log = logging.getLogger(__name__)

CANCEL_REQUEST, TLS_REQUEST, GSS_REQUEST = 80877102, 80877103, 80877104
STARTUP_LIMIT_BYTES = 10_000  # as PostgreSQL's own
TOKEN_LIMIT_BYTES = 65_536
LOGIN_TIMEOUT_S = 15.0

INVALID_AUTHORIZATION, INVALID_PASSWORD, CANNOT_CONNECT = "28000", "28P01", "57P03"

Check = Callable[[str, str], None]  # (user, token) -> None, or raises Denied


class Refused(Exception):
    """The client is told `code` (SQLSTATE) and the text, and the connection ends."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Startup:
    """A client's first message: the packet as it came, and the user that it names."""

    packet: bytes
    user: str


@dataclass(frozen=True)
class DatabaseDoor:
    """Serve `port`; `check` is called off the event loop for members of `rds_iam`."""

    port: int
    server: Postgres
    check: Check

    async def open(self) -> asyncio.Server:
        """Start listening. Raises OSError when the port is taken."""
        return await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT_S):
                server = await self._admit(client, answer)
            if server:
                await _splice((client, answer), server)
        except Refused as refused:
            answer.write(_error(refused.code, str(refused)))
            await _flushed(answer)
        except (OSError, EOFError, TimeoutError) as error:
            log.info("connection ended before it was admitted: %s", error)
        finally:
            answer.close()

    async def _admit(
        self, client: asyncio.StreamReader, answer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        startup = await _startup(client, answer)
        if startup.user == SUPERUSER:
            raise Refused(INVALID_AUTHORIZATION, f'role "{SUPERUSER}" may not connect here')
        trusted = bool(startup.user) and await self._needs_token(startup.user)
        if trusted:
            token = await _password(client, answer)
            try:
                await asyncio.to_thread(self.check, startup.user, token)
            except Denied as denied:
                log.warning("refused %s: %s", startup.user, denied)
                text = f'PAM authentication failed for user "{startup.user}": {denied}'
                raise Refused(INVALID_PASSWORD, text) from denied
        try:
            server = await (
                asyncio.open_unix_connection(self.server.socket)
                if trusted
                else asyncio.open_connection(LOOPBACK, self.server.port)
            )
        except OSError as error:
            raise Refused(CANNOT_CONNECT, "PostgreSQL is not running") from error
        server[1].write(startup.packet)
        await server[1].drain()
        return server

    async def _needs_token(self, user: str) -> bool:
        query = (
            "SELECT pg_has_role(oid, %s, 'usage') AND NOT rolsuper FROM pg_roles WHERE rolname = %s"
        )
        try:
            async with await psycopg.AsyncConnection.connect(
                self.server.admin_dsn, connect_timeout=5
            ) as session:
                row = await (await session.execute(query, (IAM_ROLE, user))).fetchone()
        except psycopg.OperationalError as error:
            raise Refused(CANNOT_CONNECT, f"PostgreSQL is not running: {error}") from error
        return bool(row and row[0])


async def _startup(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> Startup:
    """The startup packet, or a cancel request (user ""), after refusing encryption."""
    while True:
        head = await client.readexactly(8)
        length, code = struct.unpack("!ii", head)
        if not 8 <= length <= STARTUP_LIMIT_BYTES:
            raise Refused("08P01", "invalid length of startup packet")
        body = await client.readexactly(length - 8)
        if code in (TLS_REQUEST, GSS_REQUEST):
            answer.write(b"N")
            await answer.drain()
            continue
        if code == CANCEL_REQUEST:
            return Startup(head + body, "")
        fields = body.split(b"\0")
        parameters = dict(zip(fields[::2], fields[1::2], strict=False))
        user = parameters.get(b"user", b"").decode(errors="replace")
        if not user:
            raise Refused(INVALID_AUTHORIZATION, "no PostgreSQL user name in startup packet")
        return Startup(head + body, user)


async def _password(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> str:
    answer.write(b"R" + struct.pack("!ii", 8, 3))  # AuthenticationCleartextPassword
    await answer.drain()
    kind, length = struct.unpack("!ci", await client.readexactly(5))
    if kind != b"p" or not 5 <= length <= TOKEN_LIMIT_BYTES:
        raise Refused("08P01", "expected a password message")
    return (await client.readexactly(length - 4)).rstrip(b"\0").decode(errors="replace")


async def _splice(
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Copy both ways until either side ends; then end the other."""
    ways = [
        asyncio.create_task(_copy(client[0], server[1])),
        asyncio.create_task(_copy(server[0], client[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server[1].close()
        client[1].close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()


async def _flushed(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.drain()
    except OSError as error:
        log.info("client left before it read why it was refused: %s", error)


def _error(code: str, text: str) -> bytes:
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text))
    body = b"".join(f"{kind}{value}".encode() + b"\0" for kind, value in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body
