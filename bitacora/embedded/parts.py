"""The processes that a supervisor runs: how each is started and how it is known to be ready."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from bitacora.embedded import issuer, processes
from bitacora.embedded.ports import LOOPBACK
from bitacora.embedded.postgres import Postgres
from bitacora.embedded.problem import Problem
from bitacora.embedded.state import State

SUPERVISOR = "supervisor"
POSTGRES, MINISTACK, DELIVERY = "postgres", "ministack", "delivery"
STARTED = (POSTGRES, MINISTACK, DELIVERY)  # stopped in the reverse order
GATEWAY_PORT, DELIVERY_PORT, POSTGRES_PORT = "gateway", "delivery", "postgres"
ISSUER_PORT, DOOR_PORT = "issuer", "database"  # the supervisor's own
PORT_OF = {MINISTACK: GATEWAY_PORT, DELIVERY: DELIVERY_PORT, POSTGRES: POSTGRES_PORT}
PORTS = (*PORT_OF.values(), ISSUER_PORT, DOOR_PORT)

READY_TIMEOUT_S = 40.0
# MiniStack waits for invokes in flight, which may take as long as a function's timeout.
STOP_GRACE_S = {POSTGRES: 5.0, MINISTACK: 3.0, DELIVERY: 5.0, SUPERVISOR: 20.0}
ALIVE_FILE = "supervisor.alive"  # touched while it lives: says since when it does not
# The first worker of a function is never ended for idleness, only what a burst left behind.
SURPLUS_WORKER_IDLE_S = 10


def endpoint(state: State) -> str:
    """Where MiniStack answers."""
    return f"http://{LOOPBACK}:{state.ports[GATEWAY_PORT]}"


def issuer_url(state: State) -> str:
    """Where the token issuer and the supervisor's control answer."""
    return f"http://{LOOPBACK}:{state.ports[ISSUER_PORT]}"


def delivery_url(state: State) -> str:
    """Where the delivery engine's control answers."""
    return f"http://{LOOPBACK}:{state.ports[DELIVERY_PORT]}"


def postgres(home: Path, state: State) -> Postgres:
    """The database server of an environment."""
    return Postgres(home, state.ports[POSTGRES_PORT])


def log_path(home: Path, name: str) -> Path:
    """Where a part's output goes."""
    return home / "log" / f"{name}.log"


def start(home: Path, name: str, state: State) -> subprocess.Popen[bytes]:
    """Start a part and wait until it answers. Raises Problem with the last thing seen."""
    if name == POSTGRES:
        server = postgres(home, state)
        server.initialise()
        process = server.spawn(processes.environ(home, POSTGRES))
        server.wait_ready(process)
        return process
    process = _spawn_module(home, name, state)
    _wait_healthy(home, name, state, process)
    return process


def _spawn_module(home: Path, name: str, state: State) -> subprocess.Popen[bytes]:
    folder = home / name
    folder.mkdir(parents=True, exist_ok=True)
    module, variables = _ministack(home, state) if name == MINISTACK else _delivery(state)
    with log_path(home, name).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=processes.environ(home, name, **variables),
            cwd=folder,
            start_new_session=True,
        )


def _ministack(home: Path, state: State) -> tuple[str, dict[str, str]]:
    folder = home / MINISTACK
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    variables = {
        "GATEWAY_PORT": str(state.ports[GATEWAY_PORT]),
        "BIND_HOST": LOOPBACK,
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder / "tmp"),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker",  # a running Docker must change nothing
        "LAMBDA_WARM_TTL_SECONDS": str(SURPLUS_WORKER_IDLE_S),
        "MALLOC_ARENA_MAX": "2",
    }
    return "bitacora.embedded.ministack", variables


def _delivery(state: State) -> tuple[str, dict[str, str]]:
    return "bitacora.delivery", {
        "DELIVERY_PORT": str(state.ports[DELIVERY_PORT]),
        "DELIVERY_TOKEN": state.delivery_token,
        "AWS_ENDPOINT_URL": endpoint(state),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONUNBUFFERED": "1",
    }


def answers(name: str, state: State) -> str:
    """Empty when the part's health request succeeds, else what was seen instead.

    PostgreSQL has none: it is ready when it accepts a connection.
    """
    health = {
        SUPERVISOR: issuer_url(state) + issuer.CONFIGURATION_PATH,
        MINISTACK: f"{endpoint(state)}/_ministack/health",
        DELIVERY: f"{delivery_url(state)}/health",
    }
    key = {"Authorization": f"Bearer {state.delivery_token}"} if name == DELIVERY else {}
    request = urllib.request.Request(health[name], headers=key)
    try:
        with urllib.request.urlopen(request, timeout=2):
            return ""
    except OSError as error:
        return str(error)


def _wait_healthy(home: Path, name: str, state: State, process: subprocess.Popen[bytes]) -> None:
    deadline, last = time.monotonic() + READY_TIMEOUT_S, ""
    while time.monotonic() < deadline and process.poll() is None:
        last = answers(name, state)
        if not last:
            return
        time.sleep(0.03)
    code = process.poll()
    seen = f"it ended with code {code}" if code is not None else f"its health: {last}"
    process.kill()
    process.wait(timeout=5)
    raise Problem(
        f"{name} did not start; {seen}. Its log ends:\n" + "\n".join(tail(log_path(home, name))),
        f"The whole log is {log_path(home, name)}.",
    )


def tail(path: Path, lines: int = 8) -> list[str]:
    """The last lines of a log, empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
