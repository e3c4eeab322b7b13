"""`python -m bitacora.embedded.supervisor`: runs an environment's parts and records how they end.

Hosts the token issuer and the database door itself. Restarts nothing: a part that ends is written
down for `bitacora status`, and `bitacora up` brings it back. Parts that outlived an earlier
supervisor are taken over. SIGTERM stops everything in order.
"""

import asyncio
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bitacora.embedded import control, issuer, parts, ports, processes, state
from bitacora.embedded.database_door import DatabaseDoor
from bitacora.embedded.database_token import TokenCheck
from bitacora.embedded.problem import Problem
from bitacora.embedded.state import Exit, Failure, Part, State

log = logging.getLogger(__name__)

WATCH_INTERVAL_S = 0.5


class Supervisor:
    """The parts of one environment. Its methods may be called from any thread."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lock = threading.RLock()
        self.part_locks = {name: threading.Lock() for name in parts.STARTED}
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.adopted: set[str] = set()
        self.stopping = threading.Event()
        recorded = state.read(home)
        self.state = recorded or State(
            home=str(home),
            control_token=secrets.token_urlsafe(24),
            delivery_token=secrets.token_urlsafe(24),
        )

    def start(self) -> None:
        """Take over what lives, start what is not there. Raises Problem, OSError."""
        with self.lock:
            self.adopted = {name for name in parts.STARTED if self._process(name)}
            if self.adopted:
                for name in (parts.DOOR_PORT, parts.ISSUER_PORT):
                    ports.require_free(name, self.state.ports[name])
            else:
                self.state.ports = ports.choose(parts.PORTS, self.state.ports)
            self.state.phase, self.state.failure = "starting", None
            self.state.parts = {name: self.state.parts[name] for name in self.adopted}
            self._record_process(parts.SUPERVISOR, os.getpid())
        issuer.ensure_key(self.home)
        control.serve(
            self.state.ports[parts.ISSUER_PORT],
            self.state.control_token,
            issuer.documents(self.home, parts.issuer_url(self.state)),
            self.act,
        )
        missing = [name for name in parts.STARTED if name not in self.adopted]
        with ThreadPoolExecutor(len(parts.STARTED)) as pool:
            for started in [pool.submit(self.act, name, "start") for name in missing]:
                started.result()

    def act(self, name: str, action: str) -> None:
        """Start, stop or kill a part; done already is no error. Raises Problem."""
        if name not in parts.STARTED:
            raise Problem(f"There is no part {name!r}.", f"Parts: {', '.join(parts.STARTED)}.")
        with self.part_locks[name]:
            if action == "start":
                self._start(name)
            else:
                self._end(name, grace_s=parts.STOP_GRACE_S[name] if action == "stop" else 0.0)

    def _start(self, name: str) -> None:
        if self._process(name):
            return
        if self.stopping.is_set():
            raise Problem("The environment is stopping.", "Run `bitacora up` when it has ended.")
        if name in parts.PORT_OF:
            ports.require_free(name, self.state.ports[parts.PORT_OF[name]])
        leftovers = processes.of_home(self.home).get(name, [])  # of a part that was killed
        processes.end(leftovers, grace_s=1.0)
        began = time.monotonic()
        child = parts.start(self.home, name, self.state)
        with self.lock:
            self.children[name] = child
            self.state.timings_s[name] = round(time.monotonic() - began, 3)
            self._record_process(name, child.pid)

    def _end(self, name: str, grace_s: float) -> None:
        process = self._process(name)
        if process is None:
            return
        workers = process.children(recursive=True)
        if name == parts.POSTGRES and grace_s:
            process.send_signal(signal.SIGINT)  # "fast": ends sessions, then shuts down cleanly
            processes.wait_until_ended([process], grace_s)
        processes.end([process], grace_s)
        processes.end(workers, grace_s=1.0)
        with suppress(OSError):  # who has it now is named when the part starts again
            ports.reserve(self.state.ports[parts.PORT_OF[name]])
        self.notice_exits()

    def notice_exits(self) -> None:
        """Write down every part that has ended since the last look."""
        with self.lock:
            for name, part in self.state.parts.items():
                if part.exit or self._process(name):
                    continue
                child = self.children.pop(name, None)
                code = child.wait(timeout=5) if child else None
                end_of_log = parts.tail(parts.log_path(self.home, name))
                exit_ = Exit(at=_now(), code=code, log=end_of_log)
                log.warning("%s (pid %d) ended with code %s", name, part.pid, code)
                self.state.parts[name] = Part(
                    pid=part.pid, created=part.created, started_at=part.started_at, exit=exit_
                )
                self._save()

    def stop(self) -> None:
        """End every part in order, each within its grace."""
        self.stopping.set()
        self.set_phase("stopping")
        for name in reversed(parts.STARTED):
            self.act(name, "stop")

    def set_phase(self, phase: str, failure: Failure | None = None) -> None:
        with self.lock:
            self.state.phase, self.state.failure = phase, failure
            self._save()

    def _process(self, name: str) -> psutil.Process | None:
        child = self.children.get(name)
        if child:
            child.poll()  # reaps it
        part = self.state.parts.get(name)
        return processes.find(part) if part and not part.exit else None

    def _record_process(self, name: str, pid: int) -> None:
        created = psutil.Process(pid).create_time()
        self.state.parts[name] = Part(pid=pid, created=created, started_at=_now())
        self._save()

    def _save(self) -> None:
        state.write(self.home, self.state)


async def _run(supervisor: Supervisor) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await asyncio.to_thread(supervisor.start)
        door = await _door(supervisor).open()
    except (Problem, OSError):
        if not supervisor.adopted:  # what was taken over holds data, and is left as it was found
            await asyncio.to_thread(supervisor.stop)
        raise
    supervisor.set_phase("running")
    async with door:
        while not stop.is_set():
            (supervisor.home / parts.ALIVE_FILE).touch()
            await asyncio.to_thread(supervisor.notice_exits)
            await _until(stop, WATCH_INTERVAL_S)
        await asyncio.to_thread(supervisor.stop)


def _door(supervisor: Supervisor) -> DatabaseDoor:
    server = parts.postgres(supervisor.home, supervisor.state)
    port = supervisor.state.ports[parts.DOOR_PORT]
    check = TokenCheck(parts.endpoint(supervisor.state), port)
    return DatabaseDoor(port, server, check)


async def _until(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> int:
    """Exit codes: 0 stopped as asked; 1 could not start, the reason stands in the state file."""
    home = Path(os.environ["BITACORA_HOME"])
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level="INFO")
    supervisor = Supervisor(home)
    try:
        asyncio.run(_run(supervisor))
    except (Problem, OSError) as error:
        log.error("could not start: %s", error)  # noqa: TRY400  a person's message, not a bug
        remedy = error.remedy if isinstance(error, Problem) else ""
        supervisor.set_phase("failed", Failure(what=str(error), remedy=remedy))
        return 1
    supervisor.set_phase("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
