"""Several slices of one rebuild at once: workers with a share each, or two that only meet."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import ANY

from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.rebuild import Share
from reference_service.cqrs.store import Unavailable
from tests.aws.orders import CONFIRMED, order_commits
from tests.aws.rebuilding import Orders, of_role


def test_of_two_slices_at_once_none_fills_twice(orders: Orders) -> None:
    for number in range(40):
        orders.append(order_commits(number, CONFIRMED))
    orders.operator.begin("unless-building")
    deadline = time.monotonic() + 30

    def go_on() -> None:
        side = of_role(orders.server, orders.store, "operations")
        while time.monotonic() < deadline:
            try:
                if side.rebuild(0.01, time.monotonic) is None:
                    return
            except Unavailable:
                pass

    threads = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)
    assert orders.operator.progress() is None
    assert orders.unequal() == []
    assert orders.wrong_sums() == []


def test_workers_share_the_scan(orders: Orders) -> None:
    for number in range(60):
        orders.append(order_commits(number, CONFIRMED))
    orders.operator.begin("unless-building")
    first, second = (of_role(orders.server, orders.store, "operations") for _ in "ab")
    scanned = first.rebuild(30, time.monotonic, Share(0, 2))
    assert scanned
    assert (scanned.phase, 0 < scanned.streams < 60) == ("scan", True)
    again = first.rebuild(30, time.monotonic, Share(0, 2))
    assert again
    assert (again.phase, again.streams) == ("scan", scanned.streams)  # the rest is the other's
    done = second.rebuild(30, time.monotonic, Share(1, 2))
    assert done
    assert (done.phase, done.streams) == ("keys", 60)
    assert first.rebuild(30, time.monotonic, Share(0, 2)) == replace(done, elapsed_s=ANY)
    assert orders.rebuild().phase == "live"
    assert orders.unequal() == []
    assert orders.wrong_sums() == []


def test_workers_at_once_fill_in_everything_once(orders: Orders) -> None:
    for number in range(100):
        orders.append(order_commits(number, CONFIRMED))
    orders.operator.begin("unless-building")
    faults = []

    def work(number: int) -> None:
        side = of_role(orders.server, orders.store, "operations")
        try:
            side.rebuild(30, time.monotonic, Share(number, 3))
        except Unavailable as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)
    assert faults == []
    progress = orders.operator.progress()
    assert progress
    assert (progress.phase, progress.streams) == ("keys", 100)
    assert orders.rebuild().phase == "live"
    assert orders.unequal() == []


def test_the_share_of_a_worker_that_died_is_left_for_any_other(orders: Orders) -> None:
    for number in range(30):
        orders.append(order_commits(number, CONFIRMED))
    orders.operator.begin("unless-building")
    orders.operator.rebuild(30, time.monotonic, Share(1, 2))
    assert orders.rebuild().phase == "live"
    assert orders.unequal() == []


class Overtaken:
    """A store whose first page, and with it all others, is given after somebody else did it all."""

    def __init__(self, store: InMemoryEventStore, somebody: Callable[[], object]) -> None:
        self._store, self._somebody = store, [somebody]
        self._lock = threading.Lock()

    def histories(self, *args: Any, **options: Any) -> Any:
        with self._lock:
            page = self._store.histories(*args, **options)
            if self._somebody:
                self._somebody.pop()()
            return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_slice_that_finds_another_at_its_segments_leaves_them_to_it(orders: Orders) -> None:
    """As when the scheduled reconcile meets an operator's: neither is an error."""
    for number in range(20):
        orders.append(order_commits(number, CONFIRMED))
    new = orders.operator.begin("unless-building").generation
    quick = of_role(orders.server, orders.store, "operations")
    store: Any = Overtaken(orders.store, lambda: quick.rebuild(30, time.monotonic))
    slow = replace(orders.operator, store=store)
    done = slow.rebuild(30, time.monotonic)
    assert done
    assert (done.generation, done.phase, done.streams) == (new, "live", 20)
    assert orders.unequal() == []
    assert orders.wrong_sums() == []
