"""What a killed part means, what brings it back, and that nothing is left behind."""

import http.server
import multiprocessing
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import psycopg
import pytest

from bitacora.embedded import lifecycle, parts, processes, state
from bitacora.embedded.environment import Environment
from bitacora.embedded.problem import Problem


def pids(environment: Environment) -> dict[str, int]:
    return {name: part.pid for name, part in environment.state.parts.items()}


def kill(environment: Environment, name: str) -> None:
    """As `kill -9` would; returns when its end is written down, if there is who writes."""
    os.kill(pids(environment)[name], signal.SIGKILL)
    ending = "without a word" if name == parts.SUPERVISOR else " at 20"
    until(lambda: ending in part(environment, name).detail, f"status tells of {name}'s end")


def part(environment: Environment, name: str):
    return next(seen for seen in environment.status().parts if seen.name == name)


def until(condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


def make_queue(environment: Environment) -> str:
    return str(environment.client("sqs").create_queue(QueueName="kept")["QueueUrl"])


def test_every_part_is_healthy_and_counted(environment):
    seen = environment.status()
    assert seen.healthy
    assert {part.name for part in seen.parts} == {"supervisor", *parts.STARTED}
    assert all(part.memory_bytes > 5_000_000 for part in seen.parts)
    assert seen.memory_bytes == sum(part.memory_bytes for part in seen.parts)
    assert seen.remedy == ""


def test_everything_listens_on_loopback_only(environment):
    own = {p.pid for group in processes.of_home(environment.home).values() for p in group}
    listening = {
        connection.laddr
        for connection in psutil.net_connections("inet")
        if connection.pid in own and connection.status == psutil.CONN_LISTEN
    }
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == set(environment.state.ports.values())


def test_the_state_with_its_tokens_is_the_owners_alone(environment):
    assert stat.S_IMODE((environment.home / state.FILE).stat().st_mode) == 0o600


def test_a_second_start_keeps_every_process(environment):
    before = pids(environment)
    again = lifecycle.start(environment.home, print)
    assert (again.afresh, again.recovered) == (False, ())
    assert pids(environment) == before


@pytest.mark.parametrize("name", [parts.POSTGRES, parts.DELIVERY])
def test_a_killed_part_is_named_and_brought_back(environment, name):
    before, ports = pids(environment), environment.state.ports
    kill(environment, name)
    seen = environment.status()
    assert [part.name for part in seen.parts if not part.healthy] == [name]
    assert "ended with code -9 at 20" in part(environment, name).detail
    assert "bitacora up" in seen.remedy
    assert lifecycle.start(environment.home, print).recovered == (name,)
    assert environment.status().healthy
    assert environment.state.ports == ports
    assert {n for n, pid in pids(environment).items() if pid != before[n]} == {name}


def test_a_killed_database_keeps_its_data(environment):
    dsn = environment.postgres.admin_dsn
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute("CREATE TABLE survivor AS SELECT 1 AS one")
    kill(environment, parts.POSTGRES)
    lifecycle.start(environment.home, print)
    with psycopg.connect(dsn) as session:
        assert session.execute("SELECT one FROM survivor").fetchone() == (1,)


def test_a_killed_supervisor_is_replaced_without_touching_the_rest(environment):
    queue, before = make_queue(environment), pids(environment)
    kill(environment, parts.SUPERVISOR)
    assert "ended at about 20" in part(environment, parts.SUPERVISOR).detail
    assert lifecycle.start(environment.home, print).recovered == (parts.SUPERVISOR,)
    assert environment.status().healthy
    changed = {name for name, pid in pids(environment).items() if pid != before[name]}
    assert changed == {parts.SUPERVISOR}
    assert environment.client("sqs").list_queues()["QueueUrls"] == [queue]


def test_a_new_supervisor_watches_what_it_took_over(environment):
    kill(environment, parts.SUPERVISOR)
    lifecycle.start(environment.home, print)
    kill(environment, parts.DELIVERY)
    assert lifecycle.start(environment.home, print).recovered == (parts.DELIVERY,)


def test_a_busy_port_stops_the_recovery_and_harms_nothing(environment):
    queue, port = make_queue(environment), environment.state.ports[parts.DELIVERY_PORT]
    kill(environment, parts.DELIVERY)
    squatter = http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=squatter.serve_forever, daemon=True).start()
    try:
        with pytest.raises(Problem, match=f"Port {port} .* held by process {os.getpid()}"):
            lifecycle.start(environment.home, print)
    finally:
        squatter.shutdown()
        squatter.server_close()
    lifecycle.start(environment.home, print)
    assert environment.status().healthy
    assert environment.client("sqs").list_queues()["QueueUrls"] == [queue]


def test_only_one_up_or_down_at_a_time(environment):
    with lifecycle.exclusive(environment.home):
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as other:
            told = other.apply(_try_exclusive, (environment.home,))
    assert f"pid {os.getpid()}" in told


def _try_exclusive(home):
    try:
        with lifecycle.exclusive(home):
            return "entered"
    except Problem as problem:
        return problem.what


def test_two_environments_side_by_side(environment, own_home):
    other = Environment(own_home)
    with lifecycle.exclusive(own_home):
        lifecycle.start(own_home, print)
    make_queue(other)
    assert set(other.state.ports.values()).isdisjoint(environment.state.ports.values())
    assert lifecycle.stop(own_home) >= 4
    assert processes.of_home(own_home) == {}
    assert environment.status().healthy


def test_a_lost_ministack_is_built_afresh_with_an_empty_database(own_home):
    environment = Environment(own_home)
    lifecycle.exclusive(own_home).__enter__()
    lifecycle.start(own_home, print)
    ports = environment.state.ports
    with psycopg.connect(environment.postgres.admin_dsn, autocommit=True) as session:
        session.execute("CREATE TABLE of_vanished_streams ()")
    (own_home / "resources.jsonl").write_text("{}")
    kill(environment, parts.MINISTACK)
    assert "builds the environment afresh" in environment.status().remedy
    said: list[str] = []
    assert lifecycle.start(own_home, said.append).afresh
    assert any("data with it" in line for line in said)
    assert environment.status().healthy
    assert environment.state.ports == ports
    assert not (own_home / "resources.jsonl").exists()
    with psycopg.connect(environment.postgres.admin_dsn) as session:
        found = session.execute("SELECT to_regclass('of_vanished_streams')").fetchone()
    assert found == (None,)


def test_down_ends_what_a_killed_supervisor_left(own_home):
    lifecycle.start(own_home, print)
    environment = Environment(own_home)
    kill(environment, parts.SUPERVISOR)
    assert set(processes.of_home(own_home)) == set(parts.STARTED)
    lifecycle.stop(own_home)
    assert processes.of_home(own_home) == {}
    assert environment.status().phase == "stopped"


def test_a_part_that_cannot_start_is_told_with_its_log(own_home):
    (own_home / "ministack").write_text("a file where a folder belongs")
    (own_home / "log").mkdir()
    (own_home / "delivery").mkdir()
    with pytest.raises(Problem) as caught:
        lifecycle._supervise(own_home)
    assert "ministack" in caught.value.what
    assert processes.of_home(own_home) == {}


def test_down_ends_an_environment_whose_folder_was_deleted(own_home):
    lifecycle.start(own_home, print)
    shutil.rmtree(own_home)
    assert Environment(own_home).stop() >= 4
    assert processes.of_home(own_home) == {}
    assert not own_home.exists()


def test_a_start_that_was_interrupted_is_waited_for(own_home):
    (own_home / "log").mkdir()
    environ = processes.environ(own_home, parts.SUPERVISOR)
    module = [sys.executable, "-m", "bitacora.embedded.supervisor"]
    with subprocess.Popen(module, env=environ, stderr=subprocess.DEVNULL) as supervisor:
        environment = Environment(own_home)
        until(
            lambda: (own_home / state.FILE).exists() and parts.MINISTACK in pids(environment),
            "MiniStack is started",
            timeout_s=20,
        )
        assert not lifecycle.start(own_home, print).afresh
        assert environment.status().healthy
        assert pids(environment)[parts.SUPERVISOR] == supervisor.pid
        lifecycle.stop(own_home)


def test_a_home_that_is_no_place_for_a_socket_works(own_home):
    home = own_home / ("commas, and long" * 10)
    home.mkdir()
    lifecycle.start(home, print)
    assert Environment(home).status().healthy
    lifecycle.stop(home, purge=True)


def test_purge_deletes_its_own_files_only(own_home):
    (own_home / "mine.txt").write_text("not the environment's")
    lifecycle.start(own_home, print)
    lifecycle.stop(own_home, purge=True)
    assert [path.name for path in own_home.iterdir()] == ["mine.txt"]


def test_a_damaged_state_is_told_and_purge_overcomes_it(own_home):
    lifecycle.start(own_home, print)
    (own_home / state.FILE).write_text("{")
    with pytest.raises(Problem, match="cannot be read"):
        lifecycle.start(own_home, print)
    lifecycle.stop(own_home, purge=True)
    assert processes.of_home(own_home) == {}
    assert not own_home.exists()
