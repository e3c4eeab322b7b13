"""The load run's HTTP client: a fault of the network is an answer too, never an exception."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bitacora.embedded.ports import reserve
from load.answers import Answer
from load.api import HttpApi


class Orders(BaseHTTPRequestHandler):
    """201 with a body; /gone hangs up without an answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/gone"):
            self.close_connection = True
            return
        self.send_response(201)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Orders) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api/"
        server.shutdown()
        thread.join()


def test_an_answer_is_passed_on(url: str) -> None:
    answer = HttpApi(url).send("POST", "/orders", {"X": "y"}, b'{"order_id": "1"}')
    assert (answer.status, answer.headers["etag"]) == (201, '"1"')
    assert answer.body == {"order_id": "1"}
    assert not answer.repeatable


def test_a_connection_closed_without_an_answer_may_be_repeated(url: str) -> None:
    answer = HttpApi(url).send("POST", "/gone", {}, b"{}")
    assert (answer.status, answer.repeatable) == (0, True)
    assert answer.problem.startswith("no answer: ")


def test_a_service_that_is_down_may_be_tried_again() -> None:
    answer = HttpApi(f"http://127.0.0.1:{reserve()}").send("GET", "/orders", {}, b"")
    assert (answer.status, answer.repeatable) == (0, True)


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b"\xff"])
def test_a_body_that_is_no_json_object_is_empty(content: bytes) -> None:
    assert Answer(200, {}, content).body == {}
