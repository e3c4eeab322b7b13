from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from bitacora.embedded.environment import Environment
from tests.homes import temporary_home
from tests.journey.api import Customer

# Snapshots wherever one can be: nobody may notice. No scheduled reconcile, which would heal what a
# run under load is to find missing.
CONFIG = {"kit:snapshotEvery": "1", "kit:reconcileMinutes": "60"}


@pytest.fixture(scope="package")
def environment() -> Iterator[Environment]:
    """The whole topology, provisioned once for the tests of this folder."""
    with temporary_home() as home, Environment(home, config=CONFIG) as running:
        yield running


@pytest.fixture
def a_customer(environment: Environment) -> Callable[[], Customer]:
    """Each call is another customer."""

    def customer() -> Customer:
        name = f"customer-{uuid4().hex[:12]}"
        return Customer(environment.outputs["api_url"], environment.token(name))

    return customer


@pytest.fixture
def customer(a_customer: Callable[[], Customer]) -> Customer:
    return a_customer()
