"""Ports are free ones on loopback, and stay the same while they can."""

import os
import socket

import pytest

from bitacora.embedded import ports
from bitacora.embedded.problem import Problem


@pytest.fixture
def busy_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_chosen_ports_are_free_and_distinct():
    chosen = ports.choose(("a", "b", "c", "d"), {})
    assert len(set(chosen.values())) == 4
    assert all(map(ports.is_free, chosen.values()))


def test_a_chosen_port_is_given_to_nobody_else_but_waits_for_its_server():
    port = ports.reserve()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((ports.LOOPBACK, port))  # as the system sees it when it looks for a free one
    with socket.create_server((ports.LOOPBACK, port)):
        assert not ports.is_free(port)


def test_a_recorded_port_is_kept_while_it_is_free(busy_port):
    first = ports.choose(("a",), {})
    assert ports.choose(("a",), first) == first
    assert ports.choose(("a",), {"a": busy_port})["a"] != busy_port


def test_a_busy_port_is_named_with_its_holder_and_the_way_out(busy_port):
    with pytest.raises(Problem) as caught:
        ports.require_free("gateway", busy_port)
    assert str(busy_port) in caught.value.what
    assert "gateway" in caught.value.what
    assert f"process {os.getpid()}" in caught.value.what
    assert "bitacora down" in caught.value.remedy
