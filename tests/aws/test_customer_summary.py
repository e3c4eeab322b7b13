"""What customers ordered is exact, whatever is repeated, reordered, raced for, or not answered."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
import pytest

from reference_service.aws.order_tables import LAYOUTS
from reference_service.aws.postgres import Database
from reference_service.aws.postgres_queries import PostgresQueries
from reference_service.aws.postgres_read_model import PostgresReadModel
from reference_service.bootstrap import project_order
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Delivery, Projector
from reference_service.order.events import (
    Event,
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    PaymentReceived,
)
from reference_service.order.money import Money
from tests.aws.orders import CODEC, PLACED, SHIPPED, order_commits
from tests.database import ReadSide

PROJECT = project_order(CODEC)
CUSTOMERS, CURRENCIES = ("ada", "bob"), ("EUR", "USD")
Summary = dict[str, Any]
NAMES = ("orders", "cancelled", "total", "paid")


def placed(rng: random.Random) -> OrderPlaced:
    total = Money(rng.randint(2, 10_000), rng.choice(CURRENCIES))
    line = msgspec.structs.replace(PLACED.lines[0], quantity=1, unit_price=total)
    return msgspec.structs.replace(
        PLACED, customer_id=rng.choice(CUSTOMERS), lines=(line,), total=total
    )


def life(rng: random.Random) -> list[list[Event]]:
    """The commits of an order: paid in parts, at once or not, then shipped or cancelled."""
    begun = placed(rng)
    total = begun.total
    first = Money(rng.randint(1, total.amount), total.currency)
    payments = [PaymentReceived(payment_id="payment-1", amount=first)]
    if first < total:
        payments.append(PaymentReceived(payment_id="payment-2", amount=total - first))
    confirmed = [payments[-1], OrderConfirmed(total=total)]
    whole: list[list[Event]] = [[begun], *([[payments[0]]] if payments[1:] else []), confirmed]
    lives: list[list[Event]] = whole[: rng.randint(1, len(whole))]
    if rng.random() < 0.4:
        return [*lives, [OrderCancelled(reason="other")]]
    return [*lives, [SHIPPED[-1]]] if len(lives) == len(whole) and rng.random() < 0.5 else lives


def summed(histories: Sequence[Sequence[Commit]]) -> dict[str, list[Summary]]:
    """By customer, from the events alone, without the projection's code."""
    sums: dict[tuple[str, str], Counter[str]] = {}
    for commits in histories:
        events = [event for commit in commits for event in CODEC.decode(commit.body)]
        (begun,) = (event for event in events if isinstance(event, OrderPlaced))
        mine = sums.setdefault((begun.customer_id, begun.total.currency), Counter())
        cancelled = any(isinstance(event, OrderCancelled) for event in events)
        mine["orders"] += 1
        mine["cancelled"] += cancelled
        mine["total"] += 0 if cancelled else begun.total.amount
        mine["paid"] += sum(e.amount.amount for e in events if isinstance(e, PaymentReceived))
    return {
        customer: [
            {"currency": currency} | {name: mine[name] for name in NAMES}
            for (whose, currency), mine in sorted(sums.items())
            if whose == customer
        ]
        for customer in CUSTOMERS
    }


def shown(side: ReadSide) -> dict[str, list[Summary]]:
    queries = PostgresQueries(side.database("query"), LAYOUTS, 1)
    return {customer: queries.sums_of_customer(customer).currencies for customer in CUSTOMERS}


def batches(rng: random.Random, log: Sequence[Commit]) -> Iterator[list[Delivery]]:
    """All of the log in random batches, out of order, and up to half of it once more."""
    records = [*log, *rng.sample(log, rng.randint(0, len(log) // 2))]
    rng.shuffle(records)
    while records:
        cut = rng.randint(1, 8)
        batch, records = records[:cut], records[cut:]
        yield [Delivery(id=str(n), stream=c.stream, commits=(c,)) for n, c in enumerate(batch)]


def project(projector: Projector, batch: Sequence[Delivery]) -> None:
    """As the log does: what failed comes again."""
    left = list(batch)
    for _ in range(50):
        if not (left := projector.apply(left).failed):
            return
    raise AssertionError(f"{left} was given back 50 times")


def kept(histories: Sequence[Sequence[Commit]]) -> InMemoryEventStore:
    store = InMemoryEventStore()
    for commit in (commit for commits in histories for commit in commits):
        store.append(commit)
    return store


@pytest.mark.parametrize("seed", range(40))
def test_it_is_what_the_events_come_to(read_side: ReadSide, seed: int) -> None:
    """Two projectors at once, as two shards have them: each for its orders, some for both."""
    rng = random.Random(seed)
    histories = [order_commits(n, *life(rng)) for n in range(rng.randint(2, 12))]
    store = kept(histories)
    sides = [[c for commits in histories[half::2] for c in commits] for half in (0, 1)]
    sides[0] += rng.sample(sides[1], len(sides[1]) // 3)  # a shard was split or merged
    faults = list[BaseException]()
    ready = threading.Barrier(2)

    def run(log: list[Commit], chance: random.Random) -> None:
        try:
            projector = Projector(store, read_side.model(), PROJECT)
            ready.wait(timeout=10)
            for batch in batches(chance, log):
                project(projector, batch)
        except BaseException as fault:
            faults.append(fault)

    threads = [
        threading.Thread(target=run, args=(log, random.Random(f"{seed}/{n}")))
        for n, log in enumerate(sides)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert faults == []
    assert shown(read_side) == summed(histories)


class Session:
    """A session that is cut off when its first transaction, a batch, is committed."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._session.transaction():
            yield
        self._session.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


def test_a_commit_that_is_not_answered_counts_once(read_side: ReadSide) -> None:
    rng = random.Random(7)
    histories = [order_commits(n, *life(rng)) for n in range(8)]
    opened: list[Session] = []

    def connect() -> Any:
        opened.append(Session(read_side.connect("projector")))
        return opened[-1]

    model = PostgresReadModel(Database(connect), read_side.live())
    projector = Projector(kept(histories), model, PROJECT)
    for batch in batches(rng, [commit for commits in histories for commit in commits]):
        project(projector, batch)
    assert len(opened) > 5
    assert shown(read_side) == summed(histories)


def test_an_order_that_is_cancelled_leaves_the_total_and_not_what_was_paid(
    read_side: ReadSide,
) -> None:
    line = msgspec.structs.replace(PLACED.lines[0], quantity=1, unit_price=Money(500, "USD"))
    dollars = msgspec.structs.replace(
        PLACED, customer_id="ada", lines=(line,), total=Money(500, "USD")
    )
    part = PaymentReceived(payment_id="payment-1", amount=Money(200, "USD"))
    mine = msgspec.structs.replace(PLACED, customer_id="ada")
    histories = [
        order_commits(1, [mine]),
        order_commits(2, [dollars], [part], [OrderCancelled(reason="other")]),
        order_commits(3, [dollars]),
    ]
    projector = Projector(kept(histories), read_side.model(), PROJECT)
    for commits in histories:
        for commit in commits:
            project(projector, [Delivery(id="1", stream=commit.stream, commits=(commit,))])
    assert shown(read_side)["ada"] == [
        {"currency": "EUR", "orders": 1, "cancelled": 0, "total": 4190, "paid": 0},
        {"currency": "USD", "orders": 2, "cancelled": 1, "total": 500, "paid": 200},
    ]
