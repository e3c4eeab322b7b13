"""The read model in PostgreSQL: the gate's upsert is the arbiter, and all changes are one."""

import threading
from typing import Any

import msgspec
import psycopg
import pytest

from reference_service.aws.postgres import Database
from reference_service.aws.postgres_read_model import PostgresReadModel, ReconcileCursors
from reference_service.bootstrap import project_order
from reference_service.cqrs.gate import START, Gate, after
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import (
    Advance,
    Delivery,
    Park,
    Position,
    Projector,
    Unstorable,
)
from reference_service.cqrs.store import Unavailable
from reference_service.order.views import OrderSummary
from tests.aws.orders import CODEC, CONFIRMED, PLACED, order_commits, order_id
from tests.database import ReadSide

PROJECT = project_order(CODEC)
ONE = order_commits(1, CONFIRMED[:1], CONFIRMED[1:])
TWO = order_commits(2, CONFIRMED[:1])
STREAM = ONE[0].stream


@pytest.fixture
def model(read_side: ReadSide) -> PostgresReadModel:
    return read_side.model()


def row(*commits: Any) -> OrderSummary:
    summary = None
    for commit in commits:
        summary = PROJECT(summary, commit)
    assert isinstance(summary, OrderSummary)
    return summary


FIRST = Advance(STREAM, START, after(ONE[0]), row(ONE[0]))
SECOND = Advance(STREAM, after(ONE[0]), after(ONE[1]), row(*ONE))


def test_a_stream_never_seen_has_no_position(model: PostgresReadModel) -> None:
    assert model.positions([STREAM, "poison"]) == {STREAM: Position(), "poison": Position()}


def test_what_was_advanced_is_read_back_equal(model: PostgresReadModel) -> None:
    other = Advance(TWO[0].stream, START, after(TWO[0]), row(TWO[0]))
    assert model.advance([FIRST, other]) == {FIRST.stream, other.stream}
    assert model.positions([STREAM, other.stream]) == {
        STREAM: Position(FIRST.end, None, FIRST.row),
        other.stream: Position(other.end, None, other.row),
    }


def test_an_erased_delivery_is_read_back_as_none(model: PostgresReadModel) -> None:
    (commit,) = order_commits(3, [msgspec.structs.replace(PLACED, delivery=None)])
    model.advance([Advance(commit.stream, START, after(commit), row(commit))])
    found = model.positions([commit.stream])[commit.stream].row
    assert found == row(commit)
    assert row(commit).delivery is None


def test_only_the_expected_gate_is_moved(model: PostgresReadModel) -> None:
    assert model.advance([SECOND]) == set()  # there is no gate yet
    assert model.advance([FIRST]) == {STREAM}
    assert model.advance([FIRST]) == set()  # seen
    forged = Advance(STREAM, Gate(1, "f" * 64), after(ONE[1]), row(*ONE))
    assert model.advance([forged]) == set()  # the number, but another hash
    assert model.positions([STREAM])[STREAM] == Position(FIRST.end, None, FIRST.row)
    assert model.advance([SECOND]) == {STREAM}
    assert model.positions([STREAM])[STREAM] == Position(SECOND.end, None, SECOND.row)


def test_a_loser_changes_neither_row_nor_marker(model: PostgresReadModel) -> None:
    model.advance([FIRST])
    model.advance([SECOND])
    late = Advance(STREAM, START, FIRST.end, row(ONE[0]), park=Park(1, "late"))
    assert model.advance([late]) == set()
    assert model.positions([STREAM])[STREAM] == Position(SECOND.end, None, SECOND.row)


def test_a_marker_is_set_and_cleared_behind_the_gate(model: PostgresReadModel) -> None:
    parking = Advance(STREAM, START, START, park=Park(1, "poison \x00 within"))
    assert model.advance([parking]) == {STREAM}
    position = model.positions([STREAM])[STREAM]
    assert (position.gate, position.row) == (START, None)
    assert position.parked == "poison � within"
    assert model.advance([FIRST]) == {STREAM}
    assert model.positions([STREAM])[STREAM] == Position(FIRST.end, None, FIRST.row)


def test_two_writers_of_one_stream_one_wins(read_side: ReadSide) -> None:
    writers = [read_side.model() for _ in "abcd"]
    others = [order_commits(n, CONFIRMED[:1])[0] for n in range(10, 20)]
    advances = [Advance(one.stream, START, after(one), row(one)) for one in others]
    won: list[set[str]] = []
    ready = threading.Barrier(len(writers))

    def write(number: int) -> None:
        ready.wait(timeout=10)
        # Each in another order: locks taken in the order of arrival would deadlock.
        won.append(writers[number].advance(advances[number:] + advances[:number]))

    threads = [threading.Thread(target=write, args=[n]) for n in range(len(writers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(won) == len(writers)
    assert sum(map(len, won)) == len(advances)


def test_a_value_that_postgres_can_not_hold_is_unstorable_and_changes_nothing(
    model: PostgresReadModel,
) -> None:
    assert FIRST.row is not None
    delivery = msgspec.structs.replace(FIRST.row.delivery, street="nul \x00 byte")
    poisoned = Advance(
        STREAM, START, FIRST.end, msgspec.structs.replace(FIRST.row, delivery=delivery)
    )
    other = Advance(TWO[0].stream, START, after(TWO[0]), row(TWO[0]))
    with pytest.raises(Unstorable):
        model.advance([other, poisoned])
    assert model.positions([STREAM, other.stream]) == {
        STREAM: Position(),
        other.stream: Position(),
    }


def test_a_lost_connection_is_replaced(read_side: ReadSide) -> None:
    database = read_side.database("projector")
    model = read_side.model(database)
    model.advance([FIRST])
    with read_side.connect() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'projector'"
        )
    assert model.advance([SECOND]) == {STREAM}


def test_a_database_that_is_gone_is_unavailable(read_side: ReadSide) -> None:
    def refused() -> Any:
        raise psycopg.OperationalError("connection refused\nIs the server running?")

    with pytest.raises(Unavailable, match="connection refused"):
        read_side.model(Database(refused)).positions([STREAM])


def test_a_statement_that_waits_for_a_lock_gives_up(read_side: ReadSide) -> None:
    def impatient() -> Any:
        connection = read_side.connect("projector")
        connection.execute("SET lock_timeout = '100ms'")
        return connection

    model = read_side.model(Database(impatient))
    model.advance([FIRST])
    with read_side.connect() as admin, admin.transaction():
        admin.execute(f"SELECT FROM {read_side.live().name}.gates FOR UPDATE")
        with pytest.raises(Unavailable):
            model.advance([SECOND])
    assert model.advance([SECOND]) == {STREAM}


def test_the_projector_ends_equal_to_the_fold(model: PostgresReadModel) -> None:
    store = InMemoryEventStore()
    for commit in ONE + TWO:
        store.append(commit)
    projector = Projector(store, model, PROJECT)
    batch = [
        Delivery(id="1", stream=STREAM, commits=(ONE[1],)),  # a gap first
        Delivery(id="2", stream="poison", fault="no JSON"),
        Delivery(id="3", stream=TWO[0].stream, commits=(TWO[0], TWO[0])),
        Delivery(id="4", stream=STREAM, commits=(ONE[0],)),
    ]
    assert projector.apply(batch).failed == []
    assert projector.apply(batch).failed == []
    positions = model.positions([STREAM, TWO[0].stream, "poison"])
    assert positions[STREAM] == Position(after(ONE[1]), None, row(*ONE))
    assert positions[TWO[0].stream] == Position(after(TWO[0]), None, row(TWO[0]))
    assert positions["poison"].parked == "unreadable record: no JSON"


def test_the_cursor_of_a_reconciliation_is_kept(read_side: ReadSide) -> None:
    cursors = ReconcileCursors(read_side.database("operations"))
    assert cursors.get("orders") is None
    cursors.keep("orders", f"3/{order_id(1)}")
    assert cursors.get("orders") == f"3/{order_id(1)}"
    cursors.keep("orders", None)
    assert cursors.get("orders") is None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM read_model.gates",
        "INSERT INTO read_model.gates VALUES ('s', 1, repeat('x', 32)::bytea)",
        "UPDATE read_model.order_summary SET paid = 0",
        "SELECT FROM read_model.reconcile_cursor",
    ],
)
def test_the_query_role_only_reads_what_it_shows(read_side: ReadSide, statement: str) -> None:
    with (
        read_side.connect("query") as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute(statement)
