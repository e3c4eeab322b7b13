"""How tests are shared out when pytest runs in several processes (`pytest -n 2`).

The scenarios stay in one process, all other tests that use a running environment in another one,
one environment after the other, and the rest together by file. What takes long comes first, so that
in the end all processes are busy.
"""

import re
import uuid
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import homes

SCENARIOS = "features/"
ENVIRONMENT = re.compile(
    r"tests/cli/(?!test_usage|test_contracts|test_simulate|test_check)|tests/journey/"
    r"|tests/load/test_load_run|tests/docs/test_documentation_runs|tests/embedded/"
)
# What of another test's id matches is what it has in common with those that it stays together with.
TOGETHER = [
    re.compile(pattern)
    for pattern in (
        r"tests/(docs|delivery|functions|provision)/\w+",
        r"tests/(contracts|order)/\w+",
        r"[^:]+",
    )
]


def group(nodeid: str) -> tuple[int, str]:
    """(place in the order, what the test has in common with others)"""
    if nodeid.startswith(SCENARIOS):
        return 0, "scenarios"
    if ENVIRONMENT.match(nodeid):
        return 0, "environments"
    matches = ((place, pattern.match(nodeid)) for place, pattern in enumerate(TOGETHER, 1))
    return next((place, match[0]) for place, match in matches if match)


class ByEnvironment(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # it would sort by the number of tests
    return ByEnvironment(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if _shares_out(config):
        config.option.testrunuid = uuid.uuid4().hex


def pytest_unconfigure(config: pytest.Config) -> None:
    """Of a run that was interrupted, processes may have ended before their environments did."""
    if _shares_out(config):
        for home in homes.left_by(config.option.testrunuid):
            homes.end(home)


def _shares_out(config: pytest.Config) -> bool:
    return bool(config.option.numprocesses) and not hasattr(config, "workerinput")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: group(item.nodeid)[0])
