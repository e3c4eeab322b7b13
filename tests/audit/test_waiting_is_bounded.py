"""`until` returns what held, and otherwise says what it last saw."""

import itertools

import pytest

from bitacora.audit.until import NotInTime, until


def test_the_observation_that_holds_is_returned() -> None:
    numbers = itertools.count(1)
    observe = lambda: next(numbers)  # noqa: E731
    assert until("3", observe, lambda seen: seen == 3, at_most_s=5, pause_s=0) == 3


def test_the_last_observation_is_told() -> None:
    with pytest.raises(NotInTime, match=r"not within 0 s: a shipped order; last seen: placed"):
        until("a shipped order", lambda: "placed", lambda seen: seen == "shipped", at_most_s=0)
