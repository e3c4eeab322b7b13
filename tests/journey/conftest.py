import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bitacora.embedded.environment import Environment
from tests.journey.api import Customer


@pytest.fixture(scope="session")
def environment() -> Iterator[Environment]:
    """The whole topology, provisioned once for the tests of this folder."""
    # Not below pytest's own folder: a second run by root would close it to PostgreSQL's user.
    folder = Path(tempfile.mkdtemp(prefix="bitacora-journey-"))
    # With snapshots wherever one can be: nobody may notice.
    home = Environment(folder, config={"kit:snapshotEvery": "1"})
    try:
        with home as running:
            yield running
    finally:
        home.stop(purge=True)


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
