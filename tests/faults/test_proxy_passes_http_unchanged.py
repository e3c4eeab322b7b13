"""The proxy against a small real server: what goes in comes out, and each fault is what it says."""

import hashlib
import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from bitacora.faults import Delay, Fault, FaultProxy, LoseAnswer, Refuse, Rule, SlowAnswer

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request",
    "X-Amz-Target": "DynamoDB_20120810.PutItem",
}
HELD_BACK_S = 0.2


class Echo(BaseHTTPRequestHandler):
    """Remembers what arrived and answers with its digest; /chunked and /until-close differ."""

    protocol_version = "HTTP/1.1"
    arrived: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.arrived.append((self.path, self.headers["Host"], body))
        answer = hashlib.sha256(body).hexdigest().encode()
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(
                b"20\r\n" + answer[:32] + b"\r\n20;x=y\r\n" + answer[32:] + b"\r\n0\r\n\r\n"
            )
        elif self.path == "/until-close":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(answer)
        else:
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1234")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def arrived() -> list[tuple[str, str, bytes]]:
    return []


@pytest.fixture
def proxy(arrived: list[tuple[str, str, bytes]]) -> Iterator[FaultProxy]:
    handler = type("Handler", (Echo,), {"arrived": arrived})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with FaultProxy(lambda: f"http://127.0.0.1:{server.server_port}") as running:
            yield running
        server.shutdown()
        thread.join()


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
    yield connection
    connection.close()


def post(client: http.client.HTTPConnection, path: str, body: bytes, **headers: str) -> bytes:
    client.request("POST", path, body, SIGNED | headers)
    return client.getresponse().read()


def rule(fault: Fault, **differing: Any) -> Rule:
    return Rule(**{"fault": fault, "service": "dynamodb", "operation": "PutItem"} | differing)


@pytest.mark.parametrize("path", ["/", "/chunked", "/until-close"])
def test_bodies_and_the_host_header_pass_unchanged(
    client: http.client.HTTPConnection, arrived: list[tuple[str, str, bytes]], path: str
) -> None:
    body = bytes(range(256)) * 1000
    answers = [post(client, path, body, Host="signed.example") for _ in range(2)]
    assert answers == [hashlib.sha256(body).hexdigest().encode()] * 2
    assert arrived == [(path, "signed.example", body)] * 2


def test_a_head_answer_has_a_length_but_no_body(client: http.client.HTTPConnection) -> None:
    client.request("HEAD", "/")
    answer = client.getresponse()
    assert (answer.headers["Content-Length"], answer.read()) == ("1234", b"")
    assert post(client, "/", b"next on the same connection")


def test_a_lost_answer_had_its_effect_once_and_only_as_often_as_asked(
    proxy: FaultProxy, client: http.client.HTTPConnection, arrived: list[tuple[str, str, bytes]]
) -> None:
    lost = proxy.inject(rule(LoseAnswer(), times=2))
    for _ in range(2):
        with pytest.raises(http.client.RemoteDisconnected):
            post(client, "/", b"effect")
    assert post(client, "/", b"effect")
    assert len(arrived) == 3
    assert (lost.applied, proxy.seen("dynamodb", "PutItem")) == (2, 3)


def test_a_refused_request_has_no_effect(
    proxy: FaultProxy, client: http.client.HTTPConnection, arrived: list[tuple[str, str, bytes]]
) -> None:
    proxy.inject(rule(Refuse()))
    with pytest.raises(ConnectionResetError):
        post(client, "/", b"effect")
    assert arrived == []


def test_a_delay_comes_before_the_effect(
    proxy: FaultProxy, client: http.client.HTTPConnection, arrived: list[tuple[str, str, bytes]]
) -> None:
    proxy.inject(rule(Delay(HELD_BACK_S)))
    client.request("POST", "/", b"effect", SIGNED)
    assert arrived == []
    assert client.getresponse().status == 200


def test_a_slow_answer_comes_after_the_effect(
    proxy: FaultProxy, client: http.client.HTTPConnection, arrived: list[tuple[str, str, bytes]]
) -> None:
    proxy.inject(rule(SlowAnswer(HELD_BACK_S)))
    begin = time.monotonic()
    assert post(client, "/", b"effect")
    assert time.monotonic() - begin >= HELD_BACK_S
    assert len(arrived) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"service": "kinesis"},
        {"operation": "GetItem"},
        {"operation": "POST /*"},
        {"body": lambda body: b"order-2" in body},
        {"times": 0},
    ],
)
def test_what_a_rule_does_not_name_is_let_through(
    proxy: FaultProxy, client: http.client.HTTPConnection, other: dict[str, Any]
) -> None:
    unmet = proxy.inject(rule(Refuse(), **other))
    assert post(client, "/", b"order-1")
    assert unmet.applied == 0


def test_rest_calls_are_named_by_method_and_path(
    proxy: FaultProxy, client: http.client.HTTPConnection
) -> None:
    proxy.inject(rule(Refuse(), operation="POST /ledger-*/*"))
    client.request("POST", "/ledger-1/key?x=1", b"", {"Authorization": SIGNED["Authorization"]})
    with pytest.raises(ConnectionResetError):
        client.getresponse()


def test_one_seed_strikes_the_same_calls_again(
    proxy: FaultProxy, client: http.client.HTTPConnection
) -> None:
    def struck() -> list[bool]:
        injection = proxy.inject(rule(Delay(0), times=None, probability=0.5, seed=7))
        counts = [post(client, "/", b"") and injection.applied for _ in range(20)]
        proxy.clear()
        return [after > before for before, after in zip([0, *counts], counts, strict=False)]

    first = struck()
    assert first == struck()
    assert True in first
    assert False in first


def test_chance_decides_about_all_calls_but_the_first(
    proxy: FaultProxy, client: http.client.HTTPConnection
) -> None:
    injection = proxy.inject(rule(Delay(0), times=None, probability=0.0))
    assert [post(client, "/", b"") and injection.applied for _ in range(3)] == [1, 1, 1]


def test_a_cloud_that_is_down_looks_down(arrived: list[tuple[str, str, bytes]]) -> None:
    with FaultProxy(lambda: "http://127.0.0.1:1") as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
        with pytest.raises(ConnectionResetError):
            post(connection, "/", b"")
        connection.close()
