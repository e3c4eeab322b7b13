"""The supervisor's loopback HTTP server: the token issuer's documents, and control with a token.

GET  /.well-known/…            the issuer's documents
POST /parts/<name>/<action>    action: start, stop, kill; `Authorization: Bearer <control token>`
"""

import http.server
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any

from bitacora.embedded.ports import LOOPBACK
from bitacora.embedded.problem import Problem

ACTIONS = ("start", "stop", "kill")
CALL_TIMEOUT_S = 60.0

Act = Callable[[str, str], None]  # (part, action); raises Problem


def serve(port: int, token: str, documents: Mapping[str, Any], act: Act) -> None:
    """Serve in threads of this process until it ends. Raises OSError when the port is taken."""

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:  # the base class's naming
            document = documents.get(self.path)
            self._answer(200 if document else 404, document or {"what": "not found"})

        def do_POST(self) -> None:
            given = self.headers.get("Authorization", "")
            if not compare_digest(given.encode(), f"Bearer {token}".encode()):
                self._answer(401, {"what": "wrong control token"})
                return
            _, collection, name, action = (*self.path.split("/"), "", "", "")[:4]
            if collection != "parts" or action not in ACTIONS:
                self._answer(404, {"what": "not found"})
                return
            try:
                act(name, action)
            except Problem as problem:
                self._answer(409, {"what": problem.what, "remedy": problem.remedy})
            else:
                self._answer(200, {})

        def _answer(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
            """No line per request."""

    server = http.server.ThreadingHTTPServer((LOOPBACK, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="control").start()


def call(url: str, token: str, part: str, action: str) -> None:
    """Have the supervisor do it, and wait until done. Raises Problem."""
    request = urllib.request.Request(
        f"{url}/parts/{part}/{action}",
        method="POST",
        data=b"",
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=CALL_TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        told = json.loads(error.read())
        raise Problem(told["what"], told.get("remedy", "")) from error
    except OSError as error:
        raise Problem(f"The supervisor did not {action} {part} ({error}).") from error
