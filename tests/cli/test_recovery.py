"""Orders go on while a part is down; `up` brings it back and they become visible."""

import os
import signal
import time

import pytest

from tests.journey.api import Answer, Customer, order

VISIBLE_TIMEOUT_S = 90.0


@pytest.mark.parametrize("part", ["supervisor", "postgres", "delivery"])
def test_an_order_taken_while_a_part_is_dead_becomes_visible(environment, run, part):
    customer = Customer(environment.outputs["api_url"], environment.token("patient"))
    os.kill(environment.state.parts[part].pid, signal.SIGKILL)
    placed = customer.post("/orders", order())
    assert placed.status == 201
    status = run("status")
    assert status.returncode == 1
    assert "up` brings it back with its data" in status.stdout
    done = run("up", "--no-demo")
    assert done.returncode == 0, done.stderr
    assert f"Brought back: {part}." in done.stdout
    assert "Nothing changed." in done.stdout
    assert seen(customer, f"/orders/{placed.body['order_id']}").body["status"] == "placed"


def seen(customer: Customer, path: str) -> Answer:
    deadline = time.monotonic() + VISIBLE_TIMEOUT_S
    while (answer := customer.get(path)).status != 200:
        assert time.monotonic() < deadline, f"not visible: {answer}"
        time.sleep(0.1)
    return answer
