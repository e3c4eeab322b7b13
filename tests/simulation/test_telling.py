"""What a person reads of a history that went wrong."""

import re

import pytest

from bitacora.simulation import telling
from bitacora.simulation.campaign import ALL, Failure, explained, surveys
from tests.simulation.broken import BROKEN

BROKEN_LOG = BROKEN["FailedRecordCount ignored"]


@pytest.fixture(scope="module")
def failure() -> Failure:
    for seeds in (range(first, first + 50) for first in range(0, 400, 50)):
        [summary] = surveys(seeds, BROKEN_LOG)
        if summary.violated:
            assert summary.verdict(ALL) == "violated"
            assert "histories went wrong" in summary.problems(ALL)[0]
            found = explained(summary.violated[0], BROKEN_LOG)
            assert found
            return found
    raise AssertionError("no seed fails")


def test_the_findings_name_orders_by_their_number(failure: Failure) -> None:
    kinds, subjects, details = zip(*telling.findings(failure), strict=True)
    assert "invisible" in kinds
    assert all(re.fullmatch(r"order [12]|", subject) for subject in subjects)
    assert any(detail.startswith("read model: ") for detail in details)


def test_the_causes_are_steps_and_faults(failure: Failure) -> None:
    causes = telling.causes(failure.case)
    assert any(re.match(r"places order [12] under the key place-", what) for _, what in causes)
    faults = [what for who, what in causes if who == "relay"]
    assert any(" at its " in what for what in faults)
    assert telling.shrunk(failure).startswith("Shrunk from ")


def test_the_trace_tells_each_call_with_its_outcome(failure: Failure) -> None:
    trace = telling.trace(failure)
    calls = [(call, outcome) for _, _, call, outcome in trace]
    told = "\n".join(f"{call}: {outcome}" for call, outcome in calls)
    assert re.search(r"^dynamodb.PutItem events order [12]/1: done$", told, re.M)
    assert re.search(r"^PlaceOrder order [12]: ok, version 1, count 1$", told, re.M)
    times = [float(at.removesuffix(" s")) for at, *_ in trace]
    assert times == sorted(times)
