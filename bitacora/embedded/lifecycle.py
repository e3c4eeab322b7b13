"""Start, recover and stop the processes of an environment, each within a bounded time."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bitacora.embedded import control, parts, postgres, processes, state
from bitacora.embedded.problem import Problem
from bitacora.embedded.state import State

START_TIMEOUT_S = 60.0
LOCK_FILE = "up.lock"
# What belongs to one life of MiniStack, whose data is in its memory: useless, and as a read model
# of vanished streams harmful, once that life has ended.
OF_ONE_LIFE = ("ministack", "delivery", "resources.jsonl", "outputs.json", "provisioned.json")
KEPT = (state.FILE, "issuer-key.pem", "log", LOCK_FILE, parts.ALIVE_FILE)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Started:
    """`afresh`: nothing of an earlier environment was kept. `recovered`: parts brought back."""

    state: State
    afresh: bool
    recovered: tuple[str, ...]


def start(home: Path, say: Say) -> Started:
    """Bring every part up; what still runs is kept. Raises Problem."""
    recorded = state.read(home)
    if not recorded or not _runs(recorded, parts.MINISTACK):
        return _start_afresh(home, recorded, say)
    seen = parts.answers(parts.MINISTACK, recorded)
    if seen:
        raise Problem(
            f"MiniStack runs (pid {recorded.parts[parts.MINISTACK].pid}) but does not answer: "
            f"{seen}.",
            "`bitacora down` and `bitacora up` build the environment afresh.",
        )
    down = tuple(name for name in (parts.SUPERVISOR, *parts.STARTED) if not _runs(recorded, name))
    for name in down:
        say(f"bringing back {name}")
    if parts.SUPERVISOR in down:
        return Started(_supervise(home), afresh=False, recovered=down)
    for name in down:
        control.call(parts.issuer_url(recorded), recorded.control_token, name, "start")
    supervisor = psutil.Process(recorded.parts[parts.SUPERVISOR].pid)
    return Started(_until_running(home, supervisor), afresh=False, recovered=down)


def _start_afresh(home: Path, recorded: State | None, say: Say) -> Started:
    if recorded and recorded.phase in ("running", "starting"):
        say("MiniStack has ended and its data with it: building the environment afresh")
    _end_all(home, recorded)
    for name in OF_ONE_LIFE:
        _delete(home / name)
    postgres.remove(home)
    say("starting PostgreSQL, MiniStack and the delivery engine")
    return Started(_supervise(home), afresh=True, recovered=())


def _supervise(home: Path) -> State:
    """Start a supervisor in a session of its own and wait until everything runs."""
    (home / "log").mkdir(parents=True, exist_ok=True)
    with parts.log_path(home, parts.SUPERVISOR).open("ab") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "bitacora.embedded.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=processes.environ(home, parts.SUPERVISOR),
            cwd=home,
            start_new_session=True,
        )
    return _until_running(home, process)


def _until_running(home: Path, supervisor: psutil.Popen | psutil.Process) -> State:
    """Wait until this supervisor has everything running. Raises Problem."""
    log = parts.log_path(home, parts.SUPERVISOR)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        ended = not processes.alive(supervisor)  # before the state is read: it writes, then ends
        current = state.read(home)
        mine = current and current.parts.get(parts.SUPERVISOR)
        if current and mine and mine.pid == supervisor.pid and current.phase == "running":
            return current
        if ended:
            raise _failure(current, log)
        time.sleep(0.02)
    raise Problem(
        f"The supervisor was not ready within {START_TIMEOUT_S:.0f} s; its log ends:\n"
        + "\n".join(parts.tail(log)),
        "`bitacora down` ends what was started.",
    )


def _failure(recorded: State | None, log: Path) -> Problem:
    if recorded and recorded.phase == "failed" and recorded.failure:
        return Problem(recorded.failure.what, recorded.failure.remedy)
    return Problem(
        "The supervisor ended; its log ends:\n" + "\n".join(parts.tail(log)),
        f"The whole log is {log}.",
    )


def stop(home: Path, *, purge: bool = False) -> int:
    """End every process of the environment and nothing else; returns how many there were.

    `purge` deletes what the environment keeps, also when its state cannot be read.
    Raises Problem naming a process that even SIGKILL did not end.
    """
    recorded = None
    try:
        recorded = state.read(home)
    except Problem:
        if not purge:
            raise
    ended = _end_all(home, recorded)
    if purge:
        postgres.remove(home)
        for name in (*OF_ONE_LIFE, *KEPT):
            _delete(home / name)
        if home.exists() and not any(home.iterdir()):
            home.rmdir()
    elif recorded:
        recorded.phase, recorded.parts, recorded.failure = "stopped", {}, None
        state.write(home, recorded)
    return ended


def _end_all(home: Path, recorded: State | None) -> int:
    count = sum(map(len, processes.of_home(home).values()))
    supervisor = recorded and recorded.parts.get(parts.SUPERVISOR)
    process = processes.find(supervisor) if supervisor else None
    if process:
        processes.end([process], parts.STOP_GRACE_S[parts.SUPERVISOR])
    # What an ended or killed supervisor left, one part after the other: writers before stores.
    for name in (parts.SUPERVISOR, parts.DELIVERY, parts.MINISTACK, parts.POSTGRES):
        processes.end(processes.of_home(home).get(name, []), grace_s=2.0)
    left = [process.pid for group in processes.of_home(home).values() for process in group]
    if left:
        raise Problem(
            f"Processes {', '.join(map(str, left))} of {home} do not end.",
            "End them with `kill -9` as their owner.",
        )
    return count


@contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """One `up` or `down` at a time in a home. Raises Problem naming the other process."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (home / LOCK_FILE).open("a+")
    except OSError as error:
        raise Problem(f"{home} cannot be used ({error}).", "Give another --home.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Problem(
                f"Another `bitacora up` or `down` works in {home} (pid {file.read().strip()}).",
                "Wait until it has ended.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _runs(recorded: State, name: str) -> bool:
    part = recorded.parts.get(name)
    return bool(part and not part.exit and processes.find(part))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
