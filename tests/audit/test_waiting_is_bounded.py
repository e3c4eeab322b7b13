"""`until` returns what held, and otherwise says what it last saw."""

import itertools
from types import SimpleNamespace

import pytest

from bitacora.audit import until as module
from bitacora.audit.until import NotInTime, until


def test_the_observation_that_holds_is_returned() -> None:
    numbers = itertools.count(1)
    observe = lambda: next(numbers)  # noqa: E731
    assert until("3", observe, lambda seen: seen == 3, at_most_s=5, pause_s=0) == 3


def test_the_last_observation_is_told() -> None:
    with pytest.raises(NotInTime, match=r"not within 0 s: a shipped order; last seen: placed"):
        until("a shipped order", lambda: "placed", lambda seen: seen == "shipped", at_most_s=0)


@pytest.mark.parametrize(("look_s", "paused_s"), [(0.01, 0.1), (0.5, 0.5), (30, 1.0)])
def test_the_pause_after_a_look_that_took_long_is_longer(
    monkeypatch: pytest.MonkeyPatch, look_s: float, paused_s: float
) -> None:
    now, pauses = [0.0], []

    def look() -> int:
        now[0] += look_s
        return len(pauses)

    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=pauses.append)
    monkeypatch.setattr(module, "time", clock)
    until("2 pauses", look, lambda seen: seen == 2, at_most_s=1000, pause_s=0.1)
    assert pauses == pytest.approx([paused_s] * 2)
