"""Processes of one environment: told apart from all others, ended within a bounded time.

Every process carries BITACORA_HOME and BITACORA_PART in its environment. The home alone would
not do: a person may export it in the shell, and that shell must survive `bitacora down`.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from bitacora.embedded.state import Part

# psutil derives the creation time from the boot time, which moves when the clock is set.
CLOCK_TOLERANCE_S = 2.0
KILL_TIMEOUT_S = 5.0
POLL_INTERVAL_S = 0.02
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")


def environ(home: Path, part: str, **more: str) -> dict[str, str]:
    """The whole environment of a part: nothing of the caller's AWS_*, PG* or TZ reaches it."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**passed, "BITACORA_HOME": str(home), "BITACORA_PART": part, **more}


def find(part: Part) -> psutil.Process | None:
    """The living process of a record, or None; never another that got its pid."""
    try:
        process = psutil.Process(part.pid)
        recycled = abs(process.create_time() - part.created) > CLOCK_TOLERANCE_S
    except psutil.Error:
        return None
    return process if not recycled and alive(process) else None


def alive(process: psutil.Process) -> bool:
    """Whether it still runs. A zombie does not; nobody may ever collect it in a container."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def of_home(home: Path) -> dict[str, list[psutil.Process]]:
    """Part -> every living process of it, orphans and workers too, this process excepted."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        try:
            part = _part(process, home) if process.pid != os.getpid() else None
        except psutil.Error:
            continue  # it ended meanwhile, or it is another user's
        if part:
            found.setdefault(part, []).append(process)
    return found


def _part(process: psutil.Process, home: Path) -> str | None:
    if not alive(process):
        return None
    if process.name() == "postgres":  # its backends overwrite their environment with a title
        return "postgres" if Path(process.cwd()) == home / "postgres" / "data" else None
    variables = process.environ()
    return variables.get("BITACORA_PART") if variables.get("BITACORA_HOME") == str(home) else None


def end(processes: Iterable[psutil.Process], grace_s: float) -> list[psutil.Process]:
    """Ask them to end, kill what is left after `grace_s` (0: at once).

    Returns what even that did not end.
    """
    left = list(processes)
    if grace_s:
        left = wait_until_ended(_signalled(left, "terminate"), grace_s)
    return wait_until_ended(_signalled(left, "kill"), KILL_TIMEOUT_S)


def wait_until_ended(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that are still alive after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    left = [process for process in processes if alive(process)]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_INTERVAL_S)
        left = [process for process in left if alive(process)]
    return left


def _signalled(processes: Iterable[psutil.Process], action: str) -> list[psutil.Process]:
    reached = []
    for process in processes:
        try:
            getattr(process, action)()
            reached.append(process)
        except psutil.NoSuchProcess:
            continue
    return reached


def unshared_bytes(process: psutil.Process) -> int:
    """Proportional set size where the kernel counts it, else the memory of the process alone."""
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", memory.uss))
