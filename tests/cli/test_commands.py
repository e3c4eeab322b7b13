"""Every command on a running environment, its output and its exit code."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from bitacora.embedded.environment import PROJECT, Environment
from bitacora.embedded.problem import Problem, UsageProblem
from tests.cli.conftest import TIMEOUT_S, command

FUNCTIONS = 11


def test_up_makes_everything_and_the_demo_order_is_shipped(first_up):
    assert first_up["afresh"]
    assert first_up["demo"]["complete"]
    assert len(first_up["demo"]["hops"]) == 8
    assert {"dynamodb", "kinesis", "lambda", "rds", "s3", "sns", "sqs"} <= set(
        first_up["resources"]
    )
    assert {"processes", "provision", "ready"} <= set(first_up["timings_s"])


def test_a_second_up_changes_nothing(run):
    done = run("up", "--no-demo", "--timings")
    assert done.returncode == 0
    assert "Nothing changed." in done.stdout
    assert "provision" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_status_counts_every_function_warm_and_the_memory(run, environment):
    seen = json.loads(run("status", "--json").stdout)
    assert seen["healthy"]
    # The migration and operations may be idle; whoever the order met is warm.
    assert seen["workers"] >= FUNCTIONS - 2
    # The parts, and each warm function with what it does not share.
    assert seen["memory_bytes"] < 250_000_000 + 60_000_000 * seen["workers"]
    text = run("status")
    assert text.returncode == 0
    assert "PostgreSQL" in text.stdout
    assert "total" in text.stdout


def test_resources_lists_what_was_made(run, environment):
    listed = json.loads(run("resources", "--json").stdout)
    names = {row["id"] for row in listed if row["type"] == "aws:dynamodb/table:Table"}
    assert environment.outputs["events_table"] in names
    assert environment.outputs["events_table"] in run("resources").stdout


def test_output_prints_one_export_plain_or_all_as_json(run, environment):
    assert run("output", "api_url").stdout == environment.outputs["api_url"] + "\n"
    assert json.loads(run("output", "functions").stdout) == environment.outputs["functions"]
    assert json.loads(run("output").stdout) == environment.outputs
    unknown = run("output", "api_uri")
    assert (unknown.returncode, "api_url" in unknown.stderr) == (2, True)


def test_the_printed_curl_reads_the_order(run):
    done = run("demo")
    assert done.returncode == 0
    curl = done.stdout[done.stdout.index("curl") :]
    answer = subprocess.run(
        ["bash", "-c", curl], capture_output=True, text=True, timeout=30, cwd=PROJECT
    )
    assert json.loads(answer.stdout)["status"] == "shipped"


def test_a_token_is_the_customers(run):
    claims = run("token", "--customer", "ana", "--ttl", "60").stdout.split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert decoded["sub"] == "ana"
    assert decoded["exp"] - decoded["iat"] == 60
    assert "scope" not in decoded


def test_a_token_of_support_says_so(run):
    claims = run("token", "--support", "eva").stdout.split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert (decoded["sub"], decoded["scope"]) == ("eva", "orders:read-all")


def test_logs_of_one_function_and_of_all(run):
    (one, everything) = (run("logs", "command").stdout, run("logs").stdout)
    assert {line.split()[1] for line in one.splitlines()} == {"command"}
    assert set(one.splitlines()) <= {
        " ".join(line.split(None, 2)[:2]) + " " + line.split(None, 2)[2]
        for line in everything.splitlines()
    }
    assert {"relay", "projector", "fulfilment"} <= {
        line.split()[1] for line in everything.splitlines()
    }


def test_an_unknown_function_is_answered_with_the_known_ones(run):
    for arguments in (["logs", "projektor"], ["invoke", "projektor", "--event", "-"]):
        done = run(*arguments, stdin="{}")
        assert done.returncode == 2
        assert "projector" in done.stderr


def test_logs_follow_until_interrupted(environment):
    following = subprocess.Popen(
        command(environment.home, "logs", "-f", "relay"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout
    assert " relay " in following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=10)
    assert following.returncode == 130
    assert "Traceback" not in errors


def test_invoke_answers_with_the_rights_of_the_functions_role(run):
    # Its role may connect to PostgreSQL through the database door; root's keys may not.
    done = run("invoke", "projector", "--event", "-", stdin='{"Records": []}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"batchItemFailures": []}


def test_an_interrupted_up_goes_on_later(environment, run):
    interrupted = subprocess.Popen(
        command(environment.home, "up"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert interrupted.stderr
    assert "provisioning" in interrupted.stderr.readline()
    interrupted.send_signal(signal.SIGINT)
    _, errors = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 130
    assert "up` goes on from here" in errors
    assert run("up", "--no-demo").returncode == 0


def test_changed_code_is_deployed_in_place(environment, run, tmp_path):
    """A copy of the checkout, with one function edited, against the same environment."""
    for name in ("bitacora", "infra", "reference_service", "contracts"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    for file in PROJECT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    handler = tmp_path / "reference_service" / "functions" / "notifier.py"
    handler.write_text(handler.read_text() + "\n\ndef handler(*_):\n    return 'changed'\n")
    before = environment.status().parts
    done = subprocess.run(
        [sys.executable, "-m", "bitacora", "--home", environment.home, "up", "--no-demo", "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    changes = json.loads(done.stdout)["changes"]
    assert "notifier" in {change["name"] for change in changes}
    assert {change["action"] for change in changes} == {"updated"}
    name = environment.outputs["functions"]["notifier"]
    answer = environment.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == "changed"
    assert [part.pid for part in environment.status().parts] == [part.pid for part in before]
    assert "Updated in place" in run("up", "--no-demo").stdout


def test_a_change_that_cannot_be_made_in_place_is_refused_with_the_command(environment):
    before = (environment.home / "resources.jsonl").read_text()
    with pytest.raises(Problem, match="bitacora down --purge && bitacora up") as caught:
        Environment(environment.home, config={"kit:logRetentionDays": "7"}).start()
    assert "retentionInDays" in caught.value.what
    assert (environment.home / "resources.jsonl").read_text() == before


@pytest.mark.parametrize(("key", "value"), [("kit:size", "huge"), ("kit:sise", "small")])
def test_a_wrong_configuration_value_is_wrong_usage(environment, key, value):
    with pytest.raises(UsageProblem, match=key):
        Environment(environment.home, config={key: value}).start()
