"""A person's mistake gets a sentence and an exit code, never a traceback."""

import resource
import subprocess
import sys

import pytest

from bitacora.embedded import provisioning
from bitacora.embedded.environment import Environment
from bitacora.embedded.problem import UsageProblem
from tests.cli.conftest import run_in

COMMANDS = (
    *("up", "down", "status", "logs", "demo", "resources", "output", "token", "invoke"),
    *("audit", "contracts", "rebuild", "parked", "repair", "republish", "dead-letters", "redrive"),
    *("resync", "recover", "check", "simulate", "erase"),
)
HEAVY = ("boto3", "pulumi", "rich", "psycopg", "psutil")


@pytest.fixture
def empty(tmp_path):
    return tmp_path / "home"


def test_help_names_every_command_and_the_exit_codes(empty):
    done = run_in(empty, "--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert "130" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(empty, command):
    done = run_in(empty, command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: bitacora {command}")


def test_help_is_quick():
    script = (
        "import sys; sys.argv = ['bitacora', '--help']\n"
        "from bitacora.cli import main\n"
        "try: main()\n"
        f"finally: print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    before = children_cpu_s()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20
    )
    assert children_cpu_s() - before < 0.4
    assert "LOADED []" in done.stdout


def children_cpu_s() -> float:
    """Not elapsed time: other work on the machine must not fail this."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upp"], "No such command 'upp'"),
        (["up", "--fast"], "No such option"),
        (["token"], "Missing option '--customer'"),
        (["token", "--customer", "a", "--ttl", "0"], "--ttl"),
        (["token", "--customer", "a", "--support", "b"], "exclude each other"),
        (["invoke", "query"], "Missing option '--event'"),
        (["invoke", "query", "--event", "/nowhere"], "/nowhere cannot be read"),
        (["invoke", "query", "--event", "-"], "holds no JSON"),
        (["audit", "--grace", "-1"], "--grace"),
        (["audit", "--grace", "soon"], "--grace"),
        (["audit", "--stream", ""], "--stream is empty"),
        (["check"], "Missing argument 'HISTORY.jsonl'"),
        (["check", "-", "--expect", "speed"], "There is no promise 'speed'"),
        (["--home", "/etc/passwd", "status"], "is a file"),
        (["--stack", "", "parked"], "--stack is empty"),
        (["--outputs", "/nowhere", "parked"], "/nowhere cannot be read"),
        *(
            (["--stack", "dev", *local], "about the embedded environment")
            for local in map(
                str.split,
                ("up", "down", "status", "logs", "demo", "resources", "token --customer a"),
            )
        ),
    ],
)
def test_wrong_usage_ends_with_2(empty, arguments, said):
    done = run_in(empty, *arguments, stdin="{")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["logs"],
        ["demo"],
        ["resources"],
        ["output"],
        ["token", "--customer", "ana"],
        ["token", "--support", "eva"],
        ["invoke", "x", "--event", "-"],
        ["audit"],
        ["parked"],
        ["repair", "--all"],
        ["dead-letters"],
        ["redrive", "ledger-dlq", "--all"],
        ["resync", "--since", "2026-01-31T12:00:00Z"],
        ["recover"],
    ],
)
def test_without_an_environment_the_way_out_is_told(empty, arguments):
    done = run_in(empty, *arguments, stdin="{}")
    assert done.returncode == 1
    assert f"--home {empty} up`" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_of_nothing_is_unhealthy_and_down_of_nothing_is_fine(empty):
    status = run_in(empty, "status")
    assert status.returncode == 1
    assert "No environment runs" in status.stdout
    down = run_in(empty, "down")
    assert (down.returncode, down.stdout) == (0, "Nothing was running.\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), ("config: [", "cannot be read"), ("- x", "no YAML")],
)
def test_a_broken_stack_file_is_named_before_anything_starts(tmp_path, content, said):
    (tmp_path / "Pulumi.yaml").write_text("name: x" if content is None else content)
    environment = Environment(tmp_path / "home", project=tmp_path)
    with pytest.raises(UsageProblem, match=said) as caught:
        environment.start()
    assert str(tmp_path / "Pulumi.") in caught.value.what
    assert not (tmp_path / "home").exists()


def test_an_audience_that_is_no_list_is_refused(tmp_path):
    (tmp_path / "Pulumi.yaml").write_text("name: x")
    (tmp_path / "Pulumi.embedded.yaml").write_text("config: {'kit:jwtAudience': orders}")
    with pytest.raises(UsageProblem, match="jwtAudience is 'orders'"):
        provisioning.audience(tmp_path)


@pytest.mark.parametrize("given", ["kit:snapshotEvery", "=1", ""])
def test_a_config_value_without_a_key_is_refused_before_anything_starts(empty, given):
    done = run_in(empty, "up", "--config", given)
    assert done.returncode == 2
    assert "no KEY=VALUE" in done.stderr
    assert not empty.exists()
