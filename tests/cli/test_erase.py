"""An operator erases what is personal of a customer, and is asked first."""

import json
from uuid import uuid4

import pytest

from bitacora.embedded.environment import Environment
from features.harness.customers import Customer, placement
from features.harness.history import History
from tests.cli.conftest import Run, run_in


@pytest.fixture
def customer(environment: Environment) -> Customer:
    """Who has ordered."""
    name = f"customer-{uuid4().hex[:8]}"
    api_url = environment.outputs["api_url"]
    customer = Customer(name, environment.token(name), api_url, History())
    assert customer.get_through(placement()).status == 201
    return customer


def shown(customer: Customer) -> object:
    [order] = customer.history.streams()
    asked = f"/orders/{order.removeprefix('order-')}?consistency=strong"
    return customer.read(asked).body["delivery"]


def test_it_is_erased_and_told(run: Run, customer: Customer) -> None:
    assert shown(customer) is not None
    done = run("erase", customer.customer_id, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Erased: nothing that was stored")
    assert f"commit 1 of customer-{customer.customer_id}" in done.stdout
    assert shown(customer) is None


def test_a_repeat_changes_nothing(run: Run, customer: Customer) -> None:
    documents = [
        json.loads(run("erase", customer.customer_id, "--yes", "--json").stdout) for _ in "12"
    ]
    assert documents[0] == documents[1]
    assert documents[0]["customer"] == customer.customer_id
    assert (documents[0]["version"], documents[0]["commit"]) == (1, 1)
    assert len(documents[0]["destroyed"]) == 1


def test_of_a_stranger_there_is_nothing(run: Run) -> None:
    done = run("erase", f"stranger-{uuid4().hex[:8]}", "--yes")
    assert done.returncode == 0
    assert "no key was ever made" in done.stdout


def test_nothing_is_done_when_nobody_can_be_asked(run: Run, customer: Customer) -> None:
    done = run("erase", customer.customer_id)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert shown(customer) is not None


def test_what_can_not_be_a_customer_is_refused(tmp_path) -> None:
    done = run_in(tmp_path, "erase", "order/1", "--yes")
    assert done.returncode == 2
    assert "can't be a customer's id" in done.stderr
    assert "Traceback" not in done.stderr
