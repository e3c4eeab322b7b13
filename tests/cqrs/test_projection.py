"""The projector ends equal to the fold of the store, whatever the log does to it."""

import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import after
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import (
    MAX_ROUNDS,
    Advance,
    Delivery,
    Park,
    Projector,
    Repaired,
    Slice,
)
from reference_service.cqrs.store import Unavailable
from reference_service.schemas import Undecodable
from tests.cqrs.memory_read_model import InMemoryReadModel, project
from tests.cqrs.toy import chain, extended


class CountingStore(InMemoryEventStore):
    def __init__(self, *streams: Sequence[Commit]) -> None:
        super().__init__()
        self.loaded: list[str] = []
        for stream in streams:
            for commit in stream:
                self.append(commit)

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        self.loaded.append(stream)
        return super().load(stream, after)


def deliver(*commits: Commit, id: str = "1") -> Delivery:  # noqa: A002
    return Delivery(id=id, stream=commits[0].stream, commits=commits)


def expected(commits: Sequence[Commit]) -> int:
    total: int | None = None
    for commit in commits:
        total = project(total, commit)
    return total or 0


A = chain("a", 5)
B = chain("b", 3)


def projector(
    store: InMemoryEventStore, model: InMemoryReadModel | None = None
) -> tuple[Projector, InMemoryReadModel]:
    model = model or InMemoryReadModel()
    return Projector(store, model, project), model


def test_commits_in_order_are_applied_without_a_look_at_the_store() -> None:
    store = CountingStore(A, B)
    one, model = projector(store)
    done = one.apply([deliver(*A), deliver(*B)])
    assert (done.failed, done.advanced) == ([], 8)
    assert model.rows == {"a": expected(A), "b": expected(B)}
    assert model.gates == {"a": after(A[-1]), "b": after(B[-1])}
    assert store.loaded == []


def test_commits_that_come_in_any_order_within_a_batch_need_no_look_at_the_store() -> None:
    store = CountingStore(A)
    one, model = projector(store)
    one.apply([deliver(A[2]), deliver(A[0]), deliver(A[1])])
    assert model.rows["a"] == expected(A[:3])
    assert store.loaded == []


def test_a_repeated_batch_changes_nothing() -> None:
    one, model = projector(CountingStore(A))
    batch = [deliver(*A)]
    one.apply(batch)
    rows = dict(model.rows)
    assert one.apply(batch).advanced == 0
    assert model.rows == rows


def test_a_gap_is_filled_from_the_store_at_once() -> None:
    store = CountingStore(A)
    one, model = projector(store)
    one.apply([deliver(A[0])])
    assert one.apply([deliver(A[3])]).failed == []
    assert model.rows["a"] == expected(A)
    assert model.gates["a"] == after(A[4])
    assert store.loaded == ["a"]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_history_of_deliveries_ends_equal_to_the_fold(data: st.DataObject) -> None:
    """Duplicated, reordered, partial, batched anyhow; the last commit of a stream may be lost."""
    streams = [chain(name, data.draw(st.integers(1, 6))) for name in "abc"]
    store = CountingStore(*streams)
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    sent = [commit for stream in streams for commit in stream if rng.random() > 0.2]
    sent += [commit for commit in sent if rng.random() < 0.3]
    rng.shuffle(sent)
    one, model = projector(store)
    while sent:
        size = rng.randint(1, 5)
        batch, sent = sent[:size], sent[size:]
        assert one.apply([deliver(commit) for commit in batch]).failed == []
        for stream in streams:
            gate = model.gates.get(stream[0].stream)
            seen = stream[: gate.commit] if gate else []
            assert model.rows.get(stream[0].stream, 0) == expected(seen)
    one.reconcile(None, page=2, budget_s=60, clock=lambda: 0)
    assert model.rows == {stream[0].stream: expected(stream) for stream in streams}
    assert model.parked == {}


def test_a_fork_parks_its_stream_alone() -> None:
    fork = extended(extended(A[0], "a", 99), "a", 1)
    one, model = projector(CountingStore(A, B))
    one.apply([deliver(A[0], A[1])])
    done = one.apply([deliver(fork), deliver(*B)])
    assert done.failed == []
    assert list(done.parked) == list(model.parked) == ["a"]
    assert model.parked["a"].commit == 3
    assert "another history" in model.parked["a"].reason
    assert (model.rows["a"], model.rows["b"]) == (expected(A[:2]), expected(B))


def test_a_parked_stream_is_passed_over_until_its_repair() -> None:
    one, model = projector(CountingStore(A))
    one.apply([deliver(A[0]), Delivery(id="2", stream="a", fault="not JSON")])
    assert model.parked["a"] == Park(2, "unreadable record: not JSON")
    assert one.apply([deliver(A[1])]).failed == []
    assert model.gates["a"] == after(A[0])
    assert one.repair("a") == Repaired("a", 1, 5, None)
    assert model.parked == {}
    assert model.rows["a"] == expected(A)


def test_what_precedes_a_poisoned_commit_is_applied() -> None:
    poison = extended(A[1], "a", body="not numbers")
    one, model = projector(CountingStore(A[:2], [poison], B))
    done = one.apply([deliver(*A[:2], poison), deliver(*B)])
    assert done.failed == []
    assert model.gates["a"] == after(A[1])
    assert model.rows == {"a": expected(A[:2]), "b": expected(B)}
    assert model.parked["a"].commit == 3
    assert "Undecodable" in model.parked["a"].reason
    assert one.repair("a").parked == model.parked["a"].reason


def test_the_first_of_two_faults_of_a_stream_is_the_reason() -> None:
    poison = extended(A[0], "a", body="not numbers")
    one, model = projector(CountingStore([A[0], poison]))
    one.apply([deliver(A[0], poison), Delivery(id="2", stream="a", fault="not JSON")])
    assert model.parked["a"].commit == 2
    assert "Undecodable" in model.parked["a"].reason


def test_a_row_that_the_read_model_refuses_parks_its_stream_alone() -> None:
    one, model = projector(CountingStore(A, B), InMemoryReadModel(unstorable=[expected(A)]))
    done = one.apply([deliver(*A), deliver(*B)])
    assert done.failed == []
    assert model.rows == {"b": expected(B)}
    assert "no room" in model.parked["a"].reason
    assert one.repair("a") == Repaired("a", 0, 0, model.parked["a"].reason)


def test_a_log_ahead_of_the_store_is_a_fork() -> None:
    """The store was restored to an earlier moment: what the log says more never happened."""
    one, model = projector(CountingStore(A[:2]))
    one.apply([deliver(A[4])])
    assert model.rows["a"] == expected(A[:2])
    assert model.parked["a"].commit == 5


def test_a_store_that_lost_what_was_applied_is_noticed_by_repair() -> None:
    applied, model = projector(CountingStore(A))
    applied.apply([deliver(*A)])
    restored, _ = projector(CountingStore(A[:3]), model)
    assert "lacks commit 5" in (restored.repair("a").parked or "")
    assert model.rows["a"] == expected(A)


def test_a_store_with_another_history_is_noticed_by_repair() -> None:
    applied, model = projector(CountingStore(A))
    applied.apply([deliver(*A[:2])])
    other = [A[0], extended(A[0], "a", 99)]
    rewritten, _ = projector(CountingStore([*other, extended(other[1], "a", 1)]), model)
    assert "another history" in (rewritten.repair("a").parked or "")
    assert model.gates["a"] == after(A[1])


def test_a_stored_item_that_is_no_commit_parks() -> None:
    class Damaged(InMemoryEventStore):
        def load(self, stream: str, after: int = 0) -> list[Commit]:
            raise Undecodable("no hash")

    one, model = projector(Damaged())
    assert one.apply([deliver(A[2])]).failed == []
    assert "no hash" in model.parked["a"].reason


class Flaky(InMemoryReadModel):
    failures = 1

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        if self.failures:
            self.failures -= 1
            raise Unavailable("connection lost")
        return super().advance(advances)


def test_a_transient_fault_fails_the_batch_and_parks_nothing() -> None:
    one, model = projector(CountingStore(A, B), Flaky())
    batch = [deliver(*A, id="1"), deliver(*B, id="2")]
    done = one.apply(batch)
    assert done.failed == batch
    assert done.error == "connection lost"
    assert model.parked == {}
    assert one.apply(batch).failed == []
    assert model.rows == {"a": expected(A), "b": expected(B)}


def test_a_store_that_is_down_fails_the_batch_and_parks_nothing() -> None:
    class Down(InMemoryEventStore):
        def load(self, stream: str, after: int = 0) -> list[Commit]:
            raise Unavailable("throttled")

    one, model = projector(Down())
    assert one.apply([deliver(A[2])]).failed == [deliver(A[2])]
    assert model.parked == {}


class Raced(InMemoryReadModel):
    """Another writer applies a commit of `rival` just before each advance."""

    def __init__(self, rival: Sequence[Commit]) -> None:
        super().__init__()
        self._rival = list(rival)

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        if self._rival:
            commit = self._rival.pop(0)
            self.gates[commit.stream] = after(commit)
            self.rows[commit.stream] = project(self.rows.get(commit.stream), commit)
        return super().advance(advances)


def test_a_gate_moved_by_another_writer_is_looked_at_again() -> None:
    one, model = projector(CountingStore(A), Raced(A[:2]))
    done = one.apply([deliver(*A)])
    assert done.failed == []
    assert model.rows["a"] == expected(A)
    assert model.gates["a"] == after(A[4])


def test_a_gate_that_never_stands_still_gives_the_deliveries_back() -> None:
    long = chain("a", MAX_ROUNDS + 2)
    one, model = projector(CountingStore(long, B), Raced(long[:MAX_ROUNDS]))
    batch = [deliver(*long, id="1"), deliver(*B, id="2")]
    done = one.apply(batch)
    assert done.failed == [batch[0]]
    assert model.rows["b"] == expected(B)
    with pytest.raises(Unavailable):
        projector(CountingStore(long), Raced(long[:MAX_ROUNDS]))[0].repair("a")


def test_repair_of_a_stream_that_is_up_to_date_changes_nothing() -> None:
    one, model = projector(CountingStore(A))
    one.apply([deliver(*A)])
    assert one.repair("a") == Repaired("a", 5, 5, None)
    assert one.repair("nothing") == Repaired("nothing", 0, 0, None)
    assert list(model.gates) == ["a"]


def test_reconcile_repairs_a_lost_last_commit_and_leaves_the_rest() -> None:
    one, model = projector(CountingStore(A, B))
    one.apply([deliver(*A[:4]), deliver(*B)])
    done = one.reconcile(None, page=1, budget_s=60, clock=lambda: 0)
    assert done == Slice(None, 2, [Repaired("a", 4, 5, None)], finished=True)
    assert model.rows == {"a": expected(A), "b": expected(B)}


def test_reconcile_tries_parked_streams_again() -> None:
    one, model = projector(CountingStore(A))
    one.apply([deliver(*A), Delivery(id="2", stream="a", fault="not JSON")])
    assert model.parked
    one.reconcile(None, page=10, budget_s=60, clock=lambda: 0)
    assert model.parked == {}


def test_reconcile_goes_on_where_its_budget_ended() -> None:
    streams = [chain(f"s{n}", 2) for n in range(6)]
    store = CountingStore(*streams)
    one, model = projector(store)
    now = [0.0]

    def clock() -> float:
        now[0] += 1
        return now[0]

    cursor, slices, finished = None, 0, False
    while not finished:
        done = one.reconcile(cursor, page=2, budget_s=5, clock=clock)
        cursor, slices, finished = done.cursor, slices + 1, done.finished
        assert slices < 20
    assert slices > 1
    assert len(model.gates) == 6


def test_a_slice_ends_within_its_page_when_its_budget_does() -> None:
    one, model = projector(CountingStore(*(chain(f"s{n}", 1) for n in range(6))))
    moments = iter(range(100))
    done = one.reconcile(None, page=6, budget_s=4, clock=lambda: next(moments))
    assert (done.cursor, done.finished) == (None, False)
    assert 0 < len(done.repaired) < 6
    assert len(model.gates) == len(done.repaired)


def test_commits_altered_on_the_log_are_not_applied() -> None:
    altered = msgspec.structs.replace(A[1], body='[[1000, "ana"]]')
    one, model = projector(CountingStore(A))
    one.apply([deliver(A[0], altered)])
    assert model.rows["a"] == expected(A[:1])
    assert one.repair("a").parked is None
    assert model.rows["a"] == expected(A)
