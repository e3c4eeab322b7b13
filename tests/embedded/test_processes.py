"""Only processes of the environment are ever ended."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bitacora.embedded import processes
from bitacora.embedded.state import Part

WAIT = "import sys; sys.stdin.read()"
DEAF = "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); sys.stdin.read()"


@pytest.fixture
def spawn():
    started = []

    def start(script: str = WAIT, **environ: str) -> psutil.Process:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environ},
        )
        if script == DEAF:
            assert process.stdout
            process.stdout.readline()
        started.append(process)
        return psutil.Process(process.pid)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_shell_that_exports_the_home_is_no_process_of_it(spawn):
    home = Path("/home/of/this/test")
    spawn(BITACORA_HOME=str(home))
    spawn(BITACORA_HOME="/another/home", BITACORA_PART="ministack")
    part = spawn(BITACORA_HOME=str(home), BITACORA_PART="ministack")
    assert processes.of_home(home) == {"ministack": [part]}


def test_a_recycled_pid_is_not_taken_for_the_part(spawn):
    process = spawn()
    recorded = Part(pid=process.pid, created=process.create_time(), started_at="")
    earlier = Part(pid=process.pid, created=process.create_time() - 60, started_at="")
    assert processes.find(recorded) == process
    assert processes.find(earlier) is None


def test_one_that_ignores_the_request_is_killed(spawn):
    process = spawn(DEAF)
    assert processes.end([process], grace_s=0.2) == []
    assert not processes.find(Part(pid=process.pid, created=process.create_time(), started_at=""))


def test_a_part_sees_nothing_of_the_callers_cloud_and_database(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "PGHOST", "TZ", "PYTHONPATH"):
        monkeypatch.setenv(name, "theirs")
    environ = processes.environ(Path("/home"), "ministack", AUTH="true")
    assert "theirs" not in environ.values()
    assert environ["AUTH"] == "true"
