import pytest

from tests.infra.in_process import Program
from tests.infra.stacks import STACKS, program


def pytest_configure(config: pytest.Config) -> None:
    """pulumi_aws warns of its own deprecated names when it is imported."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:pulumi_aws")


@pytest.fixture(params=STACKS)
def topology(request: pytest.FixtureRequest) -> Program:
    """What the program registers, for each stack."""
    return program(request.param)


@pytest.fixture
def prod() -> Program:
    return program("prod")
