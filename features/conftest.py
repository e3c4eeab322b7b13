"""One embedded environment of its own for all scenarios, its functions behind the fault proxy."""

from collections.abc import Iterator

import pytest

from bitacora.audit.reading import stores_of
from bitacora.embedded.environment import Environment
from bitacora.faults import FaultProxy
from features.kit import Kit
from features.scene import Scene
from tests.homes import temporary_home

# No reconciliation during a scenario: it would heal what a scenario is to find missing.
CONFIG = {"kit:reconcileMinutes": "60"}
STEPS = ("orders", "commands", "history", "faults", "downstream", "reads")


def pytest_configure(config: pytest.Config) -> None:
    for concept in STEPS:
        config.pluginmanager.import_plugin(f"features.steps.{concept}")


@pytest.fixture(scope="package")
def running() -> Iterator[Kit]:
    """Started once; functions reach the cloud through the proxy, everything else directly."""
    with (
        temporary_home() as home,
        FaultProxy(lambda: Environment(home).endpoint) as proxy,
    ):
        environment = Environment(home, config=CONFIG | {"kit:endpoint": proxy.url})
        environment.start()
        yield Kit(environment, proxy, stores_of(environment))


@pytest.fixture
def kit(running: Kit) -> Iterator[Kit]:
    """The running kit, free of faults before and after each scenario."""
    yield running
    running.end_faults()


@pytest.fixture
def scene() -> Scene:
    """What the steps of one scenario talk about."""
    return Scene()
