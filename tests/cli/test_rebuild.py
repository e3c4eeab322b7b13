"""`bitacora rebuild` on a running environment, while orders come in and are read."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bitacora.audit.reading import stores_of
from bitacora.audit.until import until
from bitacora.embedded.environment import PROJECT, Environment
from tests.cli.conftest import TIMEOUT_S, Run, command
from tests.journey.api import Customer, order

ARRIVED_WITHIN_S = 90


def rebuilt(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("rebuild", "--json", *arguments)
    assert done.returncode == 0, done.stderr + done.stdout
    document: dict[str, Any] = json.loads(done.stdout)["rebuild"]
    return document


def generations(environment: Environment) -> list[tuple[str, str]]:
    """(name, phase) of each, the oldest first."""
    with psycopg.connect(stores_of(environment).database) as session:
        return session.execute(
            "SELECT name, phase FROM read_model.generation ORDER BY started_at"
        ).fetchall()


@contextmanager
def orders_coming_in(environment: Environment) -> Iterator[list[str]]:
    """The ids of the orders that were accepted; each is read at its version right away."""
    customer = Customer(environment.outputs["api_url"], environment.token("busy"))
    accepted, faults, over = list[str](), list[str](), threading.Event()

    def shop() -> None:
        while not over.is_set():
            placed = customer.post("/orders", order())
            if placed.status != 201:
                faults.append(f"{placed.status}: {placed.body}")
                continue
            accepted.append(placed.body["order_id"])
            shown = customer.get(f"/orders/{accepted[-1]}?min_version=1")
            if shown.status not in (200, 503):
                faults.append(f"{shown.status}: {shown.body}")
            listed = customer.get("/orders?limit=1")
            if listed.status != 200:
                faults.append(f"{listed.status}: {listed.body}")

    shopping = threading.Thread(target=shop)
    shopping.start()
    try:
        yield accepted
    finally:
        over.set()
        shopping.join(timeout=TIMEOUT_S)
    assert faults == []


def holds(run: Run) -> dict[str, Any]:
    return until(
        "an audit that holds",
        lambda: json.loads(run("audit", "--json", "--grace", "0").stdout),
        lambda document: document["verdict"] == "holds" and not document["behind"],
        at_most_s=ARRIVED_WITHIN_S,
    )


def test_orders_go_on_while_the_read_model_is_rebuilt(run: Run, environment: Environment) -> None:
    first = generations(environment)[-1][0]
    with orders_coming_in(environment) as accepted:
        until("some orders", lambda: len(accepted), lambda n: n >= 3, at_most_s=TIMEOUT_S)
        one, two = rebuilt(run), rebuilt(run)
        seen = len(accepted)
        until("orders after it", lambda: len(accepted), lambda n: n > seen, at_most_s=TIMEOUT_S)
    assert [one["differences"], two["differences"]] == [[], []]
    assert generations(environment)[-3:] == [
        (first, "old"),
        (one["generation"], "old"),
        (two["generation"], "live"),
    ]
    assert holds(run)["looked_at"]["read model rows"] >= len(accepted)
    dropped = run("rebuild", "--drop-old")
    assert dropped.returncode == 0
    assert first in dropped.stdout
    assert generations(environment) == [(two["generation"], "live")]
    assert holds(run)["findings"] == []


def test_workers_rebuild_side_by_side(run: Run) -> None:
    assert run("demo").returncode == 0
    one = rebuilt(run, "--workers", "3")
    assert (one["phase"], one["differences"]) == ("live", [])
    assert one["streams"] >= 1
    assert holds(run)["findings"] == []


def test_what_was_edited_in_the_read_model_is_named_and_mended(
    run: Run, environment: Environment
) -> None:
    order_id = json.loads(run("demo", "--json").stdout)["order_id"]
    with psycopg.connect(stores_of(environment).database, autocommit=True) as session:
        session.execute(
            "UPDATE read_model.order_summary SET paid = paid + 1 WHERE order_id = %s", [order_id]
        )
    done = run("rebuild")
    assert done.returncode == 0
    assert f"order-{order_id}" in done.stdout
    assert "live" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert holds(run)["findings"] == []


def test_an_interrupted_rebuild_goes_on(run: Run, environment: Environment) -> None:
    started = subprocess.Popen(
        command(environment.home, "rebuild"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert started.stderr
    started.stderr.readline()  # its first phase
    os.kill(started.pid, signal.SIGINT)
    _, told = started.communicate(timeout=TIMEOUT_S)
    assert started.returncode in (0, 130), told
    assert started.returncode == 0 or "rebuild` goes on from here" in told
    assert rebuilt(run)["phase"] == "live"
    assert json.loads(run("rebuild", "--status", "--json").stdout)["rebuild"] is None
    assert holds(run)["findings"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--projection", "'; DROP SCHEMA read_model"], "There is no projection"),
        (["--anew", "--drop-old"], "exclude each other"),
        (["--workers", "9"], "not in the range 1<=x<=4"),
    ],
)
def test_wrong_usage_is_told(run: Run, arguments: list[str], told: str) -> None:
    done = run("rebuild", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_a_deployed_stack_is_rebuilt_by_its_outputs(
    run: Run, environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stack is on AWS: outputs in a file, and AWS where boto3's environment says."""
    saved = tmp_path / "outputs.json"
    saved.write_text(run("output").stdout)
    monkeypatch.setenv("AWS_ENDPOINT_URL", environment.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    done = subprocess.run(
        [*command(tmp_path / "nothing-here", "--outputs", str(saved)), "rebuild", "--json"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rebuild"]["phase"] == "live"
