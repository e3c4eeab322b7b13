"""A rebuild builds beside the live read model, and takes its place when it is right."""

import random
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg import sql

from reference_service.aws import generations
from reference_service.aws.order_tables import LAYOUTS, ORDERS
from reference_service.aws.postgres_queries import Listing, PostgresQueries
from reference_service.aws.read_side import ReadSide
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import after
from reference_service.cqrs.heartbeat import Heart
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Delivery
from reference_service.cqrs.rebuild import REPAIRED_AT_ONCE
from tests.aws.orders import CONFIRMED, PLACED, order_commits
from tests.aws.rebuilding import PROJECT, SHIPMENT, Orders
from tests.database import ReadSide as Server


def names(server: Server) -> list[str]:
    """The schemas of generations."""
    with server.connect() as admin:
        found = admin.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'orders_%' ORDER BY 1"
        )
        return [name for (name,) in found.fetchall()]


def test_the_rebuilt_one_takes_the_place_of_the_live_one(orders: Orders) -> None:
    for number in range(30):
        orders.append(order_commits(number, CONFIRMED[:1], CONFIRMED[1:], SHIPMENT))
    before = orders.server.live()
    progress = orders.rebuild()
    assert (progress.phase, progress.differences) == ("live", [])
    assert (progress.streams, progress.commits, progress.expected) == (30, 90, 90)
    assert orders.server.live().name == progress.generation != before.name
    assert orders.unequal() == []
    assert orders.wrong_sums() == []
    orders.append(order_commits(77, CONFIRMED))
    assert orders.unequal() == []
    assert orders.wrong_sums() == []


def test_what_was_replaced_stays_until_it_is_dropped(orders: Orders) -> None:
    orders.append(order_commits(1, CONFIRMED))
    before = orders.server.live().name
    now = orders.rebuild().generation
    assert names(orders.server) == sorted([before, now])
    assert orders.operator.drop_old() == [before]
    assert names(orders.server) == [now]
    assert orders.operator.drop_old() == []
    with orders.server.connect() as admin:
        assert admin.execute("SELECT count(*) FROM read_model.order_summary").fetchall() == [(1,)]


def test_what_is_committed_while_it_builds_is_in_it(orders: Orders) -> None:
    one, two = (order_commits(number, CONFIRMED, SHIPMENT) for number in (1, 2))
    orders.append(one[:1])
    orders.operator.begin("unless-building")
    orders.append(one[1:])  # noted: there is nothing to apply it to yet
    progress = orders.operator.rebuild(0, time.monotonic)
    assert progress
    assert progress.phase == "scan"
    orders.append(two)
    assert orders.rebuild().phase == "live"
    assert orders.unequal() == []


def test_what_the_catch_up_has_not_seen_is_repaired_by_the_swap(orders: Orders) -> None:
    """Only the live projector got them: the catch-up's log is far behind."""
    orders.append(order_commits(1, CONFIRMED))
    orders.operator.begin("unless-building")
    while (progress := orders.operator.rebuild(0.0001, time.monotonic)) and (
        progress.phase != "compare"
    ):
        pass
    late = order_commits(2, CONFIRMED, SHIPMENT)
    for commit in late:
        orders.store.append(commit)
        orders.side.apply([Delivery(id="1", stream=commit.stream, commits=(commit,))])
    assert orders.rebuild().phase == "live"
    assert orders.unequal() == []


def test_a_row_that_was_wrong_is_named_and_right_afterwards(orders: Orders) -> None:
    for number in range(5):
        orders.append(order_commits(number, CONFIRMED))
    wrong = order_commits(3, CONFIRMED)[0].stream
    with orders.server.connect() as admin:
        admin.execute(
            "UPDATE read_model.order_summary SET paid = paid + 1 WHERE 'order-' || order_id = %s",
            [wrong],
        )
    progress = orders.rebuild()
    assert progress.phase == "live"
    assert [(one.stream, one.wrong) for one in progress.differences] == [(wrong, "live")]
    assert orders.unequal() == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE {}.order_summary SET total = total + 1",
        "DELETE FROM {}.order_summary",
        "UPDATE {}.customer_summary SET orders = orders + 1",
    ],
)
def test_a_generation_that_is_wrong_never_goes_live(orders: Orders, damage: str) -> None:
    for number in range(3):
        orders.append(order_commits(number, CONFIRMED))
    before = orders.server.live().name
    new = orders.operator.begin("unless-building").generation
    while (progress := orders.operator.rebuild(0.0001, time.monotonic)) and (
        progress.phase != "compare"
    ):
        pass
    with orders.server.connect() as admin:
        admin.execute(sql.SQL(damage).format(sql.Identifier(new)))  # type: ignore[arg-type]
    progress = orders.rebuild()
    assert progress.phase == "refused"
    assert {one.wrong for one in progress.differences} == {"new"}
    assert orders.server.live().name == before
    again = orders.operator.begin("anew")
    assert again.generation != new
    assert new not in names(orders.server)
    assert orders.rebuild().phase == "live"


def test_a_poisoned_order_is_parked_in_the_new_one_too(orders: Orders) -> None:
    good, bad = order_commits(1, CONFIRMED), order_commits(2, CONFIRMED[:1], CONFIRMED[1:])
    poison = msgspec.structs.replace(bad[1], body="[]]")
    orders.append([*good, bad[0], poison])
    assert orders.rebuild().phase == "live"
    assert orders.shown(good[0].stream).parked is None
    position = orders.shown(bad[0].stream)
    assert (position.gate.commit, bool(position.parked)) == (1, True)


def test_a_row_that_postgres_can_not_hold_parks_its_order_alone(orders: Orders) -> None:
    orders.append([*order_commits(1, [PLACED], at="no time"), *order_commits(2, CONFIRMED)])
    assert orders.rebuild().phase == "live"
    assert "refuses the row" in orders.shown(order_commits(1, [PLACED])[0].stream).parked
    assert orders.shown(order_commits(2, CONFIRMED)[0].stream).parked is None


def test_what_the_event_store_lost_goes_with_the_old_tables(orders: Orders) -> None:
    """As after a restore: more orders are ahead of the store than one transaction repairs."""
    shorter, *others = (
        order_commits(number, [PLACED], CONFIRMED[1:]) for number in range(REPAIRED_AT_ONCE + 10)
    )
    for commits in (shorter, *others):
        orders.append(commits)
    restored = InMemoryEventStore()
    restored.append(shorter[0])
    orders.operator = replace(orders.operator, store=restored)
    progress = orders.rebuild()
    assert progress.phase == "live"
    assert {one.wrong for one in progress.differences} == {"live"}
    assert "shows commit 2, which the event store lacks" in progress.differences[0].detail
    assert orders.shown(shorter[0].stream).gate == after(shorter[0])
    assert orders.shown(others[0][0].stream).gate is None


class Killed(Exception):
    """The function was ended in the middle."""


class Fragile(InMemoryEventStore):
    """Answers, until it is killed."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    def histories(self, *args: Any, **options: Any) -> Any:
        self.lives -= 1
        if self.lives == 0:
            raise Killed
        return super().histories(*args, **options)


@pytest.mark.parametrize("lives", [1, 2, 7, 15])
def test_a_slice_that_is_killed_anywhere_goes_on(orders: Orders, lives: int) -> None:
    orders.store = Fragile(lives=0)
    orders.side = replace(orders.side, store=orders.store)
    orders.operator = replace(orders.operator, store=orders.store)
    for number in range(20):
        orders.append(order_commits(number, CONFIRMED, SHIPMENT))
    orders.store.lives = lives
    with pytest.raises(Killed):
        orders.rebuild()
    assert orders.rebuild().phase == "live"
    assert orders.unequal() == []
    assert orders.wrong_sums() == []


@pytest.mark.parametrize("seed", range(3))
def test_readers_and_writers_go_on_and_nothing_is_lost_or_torn(orders: Orders, seed: int) -> None:
    """Commands, their log in batches with repeats, readers, and rebuilds one after the other."""
    rng = random.Random(seed)
    histories = [order_commits(n, CONFIRMED[:1], CONFIRMED[1:], SHIPMENT) for n in range(60)]
    for commits in histories[:20]:
        orders.append(commits)
    stopped, faults = threading.Event(), list[str]()

    def write(part: list[list[Commit]], side: ReadSide) -> None:
        log = [commit for commits in part for commit in commits]
        writer = replace(orders, side=side)
        for start in range(0, len(log), 5):
            batch = log[start : start + 5]
            writer.append(batch, projected=False)
            writer.deliver(rng.sample(batch, len(batch)) + log[max(0, start - 3) : start])

    def read() -> None:
        queries = PostgresQueries(orders.server.database("query"), LAYOUTS, 1)
        seen: dict[str, int] = {}
        while not stopped.is_set():
            for commits in histories[::7]:
                stream = commits[0].stream
                found = queries.by_stream(stream)
                version = found.row.version if found and found.row else 0
                if version < seen.get(stream, 0):
                    faults.append(f"{stream} went back from {seen[stream]} to {version}")
                seen[stream] = version
            page = queries.of_customer(Listing(customer_id=PLACED.customer_id), 100, None)
            if len(page.rows) < 20:
                faults.append(f"{len(page.rows)} orders in a list")

    sides = [replace(orders.side, database=orders.server.database("projector")) for _ in "ab"]
    writers = [
        threading.Thread(target=write, args=(histories[20 + n :: 2], side))
        for n, side in enumerate(sides)
    ]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    swaps = 0
    while any(writer.is_alive() for writer in writers) or swaps == 0:
        orders.operator.begin("unless-building")
        progress = orders.operator.rebuild(0.05, time.monotonic)
        assert progress
        assert progress.phase != "refused", progress.differences
        swaps += progress.phase == "live"
    stopped.set()
    for thread in (*writers, reader):
        thread.join(timeout=30)
    assert faults == []
    assert orders.unequal() == []
    assert orders.wrong_sums() == []


def test_another_version_of_the_projection_is_built_when_it_is_deployed(orders: Orders) -> None:
    """The live one of the version before is fed and read until the swap."""
    for number in range(5):
        orders.append(order_commits(number, CONFIRMED))
    renamed = replace(ORDERS, version=ORDERS.version + 1)
    tomorrow = {**LAYOUTS, renamed.version: renamed}
    projections = {version: (layout, PROJECT) for version, layout in tomorrow.items()}
    with orders.server.connect() as admin, admin.transaction():
        admin.execute("SET LOCAL ROLE operations")
        assert generations.prepare(admin, tomorrow) is not None
        assert generations.prepare(admin, tomorrow) is None
    orders.side = replace(orders.side, projections=projections)
    orders.operator = replace(orders.operator, projections=projections)
    orders.append(order_commits(9, CONFIRMED))
    progress = orders.operator.rebuild(30, time.monotonic)
    assert progress
    assert (progress.phase, progress.version) == ("live", renamed.version)
    with orders.server.connect() as admin:
        assert generations.live(admin, tomorrow).layout == renamed
        with pytest.raises(generations.UnknownVersion, match="version 2, this code knows 1"):
            generations.live(admin, LAYOUTS)
        admin.execute("UPDATE read_model.generation SET version = 1 WHERE phase = 'live'")


def test_the_new_one_knows_its_lag(orders: Orders) -> None:
    orders.append(order_commits(1, CONFIRMED))
    heart = Heart(orders.store, 1, lambda: datetime.now(UTC), lambda: uuid4().hex)
    orders.append(heart.beat())
    assert orders.rebuild().phase == "live"
    orders.deliver(heart.beat())
    assert orders.unequal() == []
    queries = PostgresQueries(orders.server.database("query"), LAYOUTS, 1)
    lag_s = queries.of_customer(Listing(customer_id=PLACED.customer_id), 1, None).lag_s
    assert lag_s is not None
    assert lag_s < 60


def test_nobody_but_the_operator_can_swap_or_drop(orders: Orders) -> None:
    orders.append(order_commits(1, CONFIRMED))
    live = orders.server.live().name
    for role in ("projector", "query"):
        for statement in (
            "UPDATE read_model.pointer SET live = live",
            "UPDATE read_model.generation SET phase = 'old'",
            f"DROP SCHEMA {live} CASCADE",
            "CREATE SCHEMA mine",
        ):
            with (
                orders.server.connect(role) as session,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                session.execute(statement)
