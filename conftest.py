"""How tests are shared out when pytest runs in several processes (`pytest -n 2`).

Tests that use a running environment stay together, one environment after the other; the rest stays
together by file. What takes long comes early, so that in the end all processes are busy.
"""

import re
import uuid
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import homes

# What free processes take next, and what of it stays together; the rest does so by file. A running
# environment keeps more than a core busy: others come late, when the scenarios are nearly done.
SCHEDULE = tuple(
    (re.compile(pattern), together)
    for pattern, together in (
        (r"features/", "scenarios"),
        (r"tests/test_types", None),
        (r"tests/(contracts|delivery|functions)/", None),
        (r"tests/cli/(?!test_usage|test_contracts|test_simulate|test_check)", "command line"),
        (r"tests/docs/test_documentation_runs", "pages"),
        (r"tests/(embedded/|journey/(?!test_load_runs))", "environments"),
        (r"tests/journey/test_load_runs", "environments"),  # it ends with one that is broken
        (r"tests/simulation/", None),
        (r"tests/(aws|cli|infra|order|promises|provision)/", None),
        (r"", None),
    )
)


def group(nodeid: str) -> tuple[int, str]:
    """(place in the order, what the test has in common with others)"""
    for place, (pattern, together) in enumerate(SCHEDULE):
        if pattern.match(nodeid):
            return place, together or nodeid.partition("::")[0]
    raise AssertionError("the last pattern matches everything")


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
