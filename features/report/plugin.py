"""Gathers what scenarios tell, wherever they ran, and writes the page when all have ended."""

import platform
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from features.harness.witness import Unknown, Witness
from features.report.page import page
from features.report.telling import Told, told

WITNESS = pytest.StashKey[Witness]()
TOLD = "scenario"  # an attribute of a test's report: it travels between processes as JSON


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    witness = item.stash.get(WITNESS, None)
    if witness is None or (report.when != "call" and report.passed):
        return report
    report.scenario = {
        **_named(item, witness),
        "seconds": round(report.duration, 3),
        **told(witness, _verdict(call, report), _reason(call)),
    }
    return report


def _verdict(call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
    if report.skipped:
        return "not applicable"
    if report.passed:
        return "holds"
    judged = call.excinfo is not None and report.when == "call"
    if not judged or call.excinfo is None or call.excinfo.errisinstance(Unknown):
        return "unknown"
    return "violated"


def _reason(call: pytest.CallInfo[None]) -> str:
    return str(call.excinfo.value) if call.excinfo else ""


def _named(item: pytest.Item, witness: Witness) -> Told:
    promise = item.get_closest_marker("promise")
    example = getattr(item, "callspec", None)
    return {
        "promise": promise.args[0] if promise else None,
        "feature": witness.feature,
        "scenario": witness.scenario + (f" [{example.id}]" if example else ""),
        "replay": witness.replay,
    }


class Reporter:
    """In the process that the run was started in."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = monotonic()
        self._scenarios: list[Told] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if scenario := getattr(report, TOLD, None):
            self._scenarios.append(scenario)

    def pytest_sessionfinish(self) -> None:
        self._scenarios.sort(key=lambda one: one["promise"] or 0)
        facts = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "in": f"{monotonic() - self._began:.0f} s",
            "on Python": platform.python_version(),
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(page(self._scenarios, facts), "utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"The report: {self._file}")
