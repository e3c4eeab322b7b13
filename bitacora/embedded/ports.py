"""Loopback ports: a free one each, kept for as long as the environment lives."""

import socket
from collections.abc import Iterable, Mapping

import psutil

from bitacora.embedded.problem import Problem

LOOPBACK = "127.0.0.1"


def choose(names: Iterable[str], recorded: Mapping[str, int]) -> dict[str, int]:
    """A free port for each name; a recorded one is preferred, so that URLs stay the same."""
    chosen: dict[str, int] = {}
    for name in names:
        port = recorded.get(name)
        chosen[name] = port if port and is_free(port) else reserve()
    return chosen


def reserve(port: int = 0) -> int:
    """Keep a port, any free one unless named, for who will listen on it; returns it.

    The end of a connection that closes first stays in TIME_WAIT, 60 s on Linux and 30 s on macOS.
    Meanwhile the system gives its port to nobody who asks for any, another environment that starts
    at the same time least of all; a server that names it and sets SO_REUSEADDR gets it.
    Raises OSError when somebody listens there.
    """
    with (
        socket.create_server((LOOPBACK, port)) as server,
        socket.create_connection(server.getsockname()),
    ):
        server.accept()[0].close()
        return int(server.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def require_free(name: str, port: int) -> None:
    """Raise Problem naming the port and who holds it: resources already point at it."""
    if is_free(port):
        return
    raise Problem(
        f"Port {port} on {LOOPBACK}, which this environment uses for {name}, "
        f"is held by {holder(port)}.",
        "End that process and run `bitacora up` again, or run `bitacora down` and `bitacora up` "
        "to build the environment afresh on other ports.",
    )


def holder(port: int) -> str:
    """The process that listens on a port, as far as this user may see it."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in connections:
        address = connection.laddr
        if connection.status == psutil.CONN_LISTEN and address and address.port == port:
            return _describe(connection.pid)
    return "another process"


def _describe(pid: int | None) -> str:
    if pid is None:
        return "another user's process"
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid} ({command[:60]})"
