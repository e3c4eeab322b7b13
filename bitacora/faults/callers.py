"""The process at the other end of a loopback connection."""

import os

import psutil


def end_process_behind(peer: tuple[str, int]) -> None:
    """End (SIGKILL) the process that connected from this address; never the one that asks.

    Raises ConnectionResetError when it is gone already.
    """
    host, port, *_ = peer
    for one in psutil.net_connections(kind="tcp"):
        if one.laddr and (one.laddr.ip, one.laddr.port) == (host, port) and one.pid:
            if one.pid == os.getpid():
                raise RuntimeError("a process does not end itself: functions call from their own")
            psutil.Process(one.pid).kill()
            return
    raise ConnectionResetError(f"nobody is connected from {host}:{port} any more")
