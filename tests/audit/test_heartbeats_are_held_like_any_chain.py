"""A heartbeat has no row and tells nothing, and is no finding; its chain and its gate are held."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import msgspec
import pytest

from bitacora.audit.consistency import inconsistencies
from bitacora.audit.orders import Orders
from bitacora.audit.source import View
from bitacora.audit.store_audit import Report, audit
from bitacora.audit.stream_audit import Clock
from reference_service.aws.items import to_item
from reference_service.cqrs.commit import Commit, sealed
from reference_service.cqrs.gate import Gate, after
from reference_service.cqrs.heartbeat import Heart
from reference_service.cqrs.memory import InMemoryEventStore
from tests.audit import orders
from tests.audit.plain import LATER, SCHEMAS, PlainStores, world

BEATS = 3


def beats() -> list[Commit]:
    store, ids = InMemoryEventStore(), count()
    moments = iter(
        [LATER - timedelta(minutes=2 * n) for n in range(2 * BEATS, 0, -1) for _ in "ab"]
    )
    heart = Heart(store, 1, moments.__next__, lambda: f"beat-{next(ids)}")
    return [commit for _ in range(BEATS) for commit in heart.beat()]


HEARTBEATS = beats()
STREAM = HEARTBEATS[0].stream


@pytest.fixture
def stores() -> PlainStores:
    """A sound world with heartbeats in it, all of them applied."""
    stores = world()
    stores.items[STREAM] = [to_item(commit) for commit in HEARTBEATS]
    stores.read_model[STREAM] = View(after(HEARTBEATS[-1]))
    stores.looked_up[STREAM] = View(after(HEARTBEATS[-1]))
    return stores


def audited(stores: PlainStores) -> Report:
    return audit(stores, Orders(SCHEMAS), Clock(LATER, 60))


def test_they_are_no_finding(stores: PlainStores) -> None:
    without = audited(world())
    report = audited(stores)
    assert (report.findings, report.verdict) == ([], "holds")
    assert report.counts["streams"] == without.counts["streams"] + 1
    assert report.counts["commits"] == without.counts["commits"] + BEATS
    assert report.counts["events"] == without.counts["events"]


def test_one_that_is_on_its_way_is_no_row_behind(stores: PlainStores) -> None:
    stores.read_model[STREAM] = stores.looked_up[STREAM] = View(after(HEARTBEATS[0]))
    report, without = audited(stores), audited(world())
    assert (report.verdict, report.lags) == ("holds", [])
    for name in ("rows behind their head", "statuses behind"):
        assert report.counts[name] == without.counts[name]


def other(commit: Commit) -> Commit:
    return sealed(msgspec.structs.replace(commit, actor="somebody"))


SPOILT: dict[str, tuple[Callable[[PlainStores], object], tuple[int | None, str]]] = {
    "a missing one": (lambda s: s.items[STREAM].pop(1), (2, "gap")),
    "a changed one": (
        lambda s: s.items[STREAM].__setitem__(
            1, to_item(msgspec.structs.replace(HEARTBEATS[1], actor="somebody"))
        ),
        (2, "altered-commit"),
    ),
    "one of another chain": (
        lambda s: s.items[STREAM].__setitem__(1, to_item(other(HEARTBEATS[1]))),
        (3, "broken-chain"),
    ),
    "one that says it has an event": (
        lambda s: s.items[STREAM].__setitem__(
            2, to_item(sealed(msgspec.structs.replace(HEARTBEATS[2], count=1)))
        ),
        (3, "unreadable-event"),
    ),
    "a gate that is ahead": (
        lambda s: s.read_model.__setitem__(STREAM, View(Gate(9, "a" * 64))),
        (9, "ahead"),
    ),
    "a gate of another history": (
        lambda s: s.read_model.__setitem__(STREAM, View(Gate(BEATS, "a" * 64))),
        (BEATS, "fork"),
    ),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_is_wrong_with_them_is_found(stores: PlainStores, spoilt: str) -> None:
    spoil, (commit, kind) = SPOILT[spoilt]
    spoil(stores)
    report = audited(stores)
    assert (STREAM, commit, kind) in [(f.stream, f.commit, f.kind) for f in report.findings]
    assert {finding.stream for finding in report.findings} == {STREAM}


def test_the_verdict_of_a_load_run_passes_over_them() -> None:
    sound = orders.world()
    seen = replace(
        sound,
        commits={**sound.commits, STREAM: tuple(HEARTBEATS)},
        gates={**sound.gates, STREAM: after(HEARTBEATS[0])},
    )
    assert inconsistencies(seen, orders.PUBLIC) == inconsistencies(sound, orders.PUBLIC)
    broken = replace(seen, commits={**seen.commits, STREAM: (HEARTBEATS[0], HEARTBEATS[2])})
    (found,) = inconsistencies(broken, orders.PUBLIC)
    assert (found.kind, found.subject) == ("broken", STREAM)
