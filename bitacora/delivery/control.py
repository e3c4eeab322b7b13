"""The control API: HTTP on loopback, `Authorization: Bearer <token>`, JSON in and out.

GET /health                 {"status": "ok", "pid": …, "mappings": …}
GET /mappings               {"mappings": [report, …]}
GET /mappings/{uuid}        report
PUT /mappings/{uuid}        body: CreateEventSourceMapping request; 201 new, 200 changed or the same
PATCH /mappings/{uuid}      body: UpdateEventSourceMapping request
DELETE /mappings/{uuid}     204
POST /faults                body: {"mapping": uuid, "kind": …, options}; the mapping's faults
Errors: 4xx with {"error": what is wrong and where}.
"""

import hmac
import json
import logging
import os
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bitacora.delivery.engine import Engine, UnknownMapping
from bitacora.delivery.faults import InvalidFault
from bitacora.delivery.mapping import InvalidMapping

logger = logging.getLogger("bitacora.delivery")

MAX_BODY_BYTES = 1024 * 1024
MAPPING_PATH = re.compile(r"/mappings/([A-Za-z0-9][A-Za-z0-9._-]{0,127})")

Reply = tuple[HTTPStatus, Any]


class Refused(Exception):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class ControlServer(ThreadingHTTPServer):
    """Serves one engine on 127.0.0.1:port. Raises OSError when the port is taken."""

    daemon_threads = True

    def __init__(self, port: int, token: str, engine: Engine) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.token = token
        self.engine = engine


class Handler(BaseHTTPRequestHandler):
    server: ControlServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self, body: Any) -> Reply:
        engine = self.server.engine
        if self.path == "/health":
            return HTTPStatus.OK, {"status": "ok", "pid": os.getpid(), "mappings": len(engine)}
        if self.path == "/mappings":
            return HTTPStatus.OK, {"mappings": engine.reports()}
        return HTTPStatus.OK, engine.report(self._uuid())

    def _put(self, body: Any) -> Reply:
        uuid = self._uuid()
        created = self.server.engine.put(uuid, self._object(body))
        status = HTTPStatus.CREATED if created else HTTPStatus.OK
        return status, self.server.engine.report(uuid)

    def _patch(self, body: Any) -> Reply:
        uuid = self._uuid()
        self.server.engine.update(uuid, self._object(body))
        return HTTPStatus.OK, self.server.engine.report(uuid)

    def _delete(self, body: Any) -> Reply:
        self.server.engine.delete(self._uuid())
        return HTTPStatus.NO_CONTENT, None

    def _post(self, body: Any) -> Reply:
        if self.path != "/faults":
            raise Refused(HTTPStatus.NOT_FOUND, f"no such path: {self.path}")
        options = dict(self._object(body))
        uuid, kind = options.pop("mapping", None), options.pop("kind", None)
        if not isinstance(uuid, str) or not isinstance(kind, str):
            raise Refused(HTTPStatus.BAD_REQUEST, "'mapping' and 'kind' are required texts")
        return HTTPStatus.OK, self.server.engine.order_fault(uuid, kind, options)

    def _answer(self, act: Any) -> None:
        try:
            body = self._body()
            self._authenticate()
            status, content = act(body)
        except UnknownMapping as error:
            status, content = HTTPStatus.NOT_FOUND, {"error": str(error)}
        except (InvalidMapping, InvalidFault) as error:
            status, content = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        except Refused as error:
            status, content = error.status, {"error": str(error)}
        except Exception:
            logger.exception("%s %s failed", self.command, self.path)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            content = {"error": "unexpected; the engine's log says more"}
        self._send(status, content)

    def _authenticate(self) -> None:
        given = self.headers.get("Authorization", "")
        expected = f"Bearer {self.server.token}"
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise Refused(HTTPStatus.UNAUTHORIZED, "Authorization: Bearer <token> expected")

    def _body(self) -> Any:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY_BYTES} bytes"
            )
        text = self.rfile.read(int(length))
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"the body is no JSON: {error}") from error

    def _uuid(self) -> str:
        match = MAPPING_PATH.fullmatch(self.path)
        if not match:
            raise Refused(HTTPStatus.NOT_FOUND, f"no such path: {self.path}")
        return match[1]

    def _object(self, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
        return body

    def _send(self, status: HTTPStatus, content: Any) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Requests are not logged: a status page asks every second."""
