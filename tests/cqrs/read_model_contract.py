"""What every read model promises, alone and under the projector.

Subclass it and give the fixtures `open_model` (each call is another process's) and `project`.
"""

import random
import threading
from collections.abc import Callable, Sequence
from itertools import count

import pytest

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import START, Gate, after
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import (
    Advance,
    Delivery,
    Park,
    Position,
    Project,
    Projector,
    ReadModel,
    Row,
)
from reference_service.order.events import Event, OrderCancelled
from tests.aws.orders import PLACED, SHIPPED, order_commits

# A read model is not emptied between two tests: each takes orders of its own.
NUMBERS = count(700_000)
OpenModel = Callable[[], ReadModel]


def shipped() -> list[Commit]:
    return order_commits(next(NUMBERS), SHIPPED[:1], SHIPPED[1:3], SHIPPED[3:])


def cancelled(*extra: Event) -> list[Commit]:
    return order_commits(next(NUMBERS), [PLACED], [OrderCancelled(reason="other"), *extra])


def folded(project: Project, commits: Sequence[Commit]) -> Row:
    row = None
    for commit in commits:
        row = project(row, commit)
    return row


def at_end(project: Project, commits: Sequence[Commit]) -> Position:
    return Position(after(commits[-1]), None, folded(project, commits))


def step(project: Project, commits: Sequence[Commit]) -> Advance:
    """From before the last of the commits to after it."""
    *before, last = commits
    start = after(before[-1]) if before else START
    return Advance(last.stream, start, after(last), folded(project, commits), at=last.at)


def deliver(*commits: Commit) -> Delivery:
    place = f"{commits[0].stream}:{commits[0].commit}"
    return Delivery(id=place, stream=commits[0].stream, commits=commits)


def stored(*streams: Sequence[Commit]) -> InMemoryEventStore:
    store = InMemoryEventStore()
    for commit in (commit for stream in streams for commit in stream):
        store.append(commit)
    return store


class ReadModelContract:
    @pytest.fixture
    def model(self, open_model: OpenModel) -> ReadModel:
        return open_model()

    def test_a_stream_never_seen_has_no_position(self, model: ReadModel) -> None:
        stream = shipped()[0].stream
        assert model.positions([stream, "poison"]) == {stream: Position(), "poison": Position()}
        assert model.positions([]) == {}

    def test_what_is_to_be_done_meanwhile_was_done_before_it_answers(
        self, model: ReadModel
    ) -> None:
        done: list[str] = []
        model.positions([shipped()[0].stream], lambda: done.append("checked"))
        assert done

    def test_what_was_advanced_is_read_back_equal(self, model: ReadModel, project: Project) -> None:
        streams = [shipped(), cancelled()]
        for reached in (1, 2):
            advances = [step(project, stream[:reached]) for stream in streams]
            assert model.advance(advances) == {one.stream for one in advances}
            assert model.positions([one.stream for one in advances]) == {
                stream[0].stream: at_end(project, stream[:reached]) for stream in streams
            }

    def test_more_streams_than_one_request_takes(self, model: ReadModel, project: Project) -> None:
        streams = [shipped()[:1] for _ in range(120)]
        assert len(model.advance([step(project, stream) for stream in streams])) == 120
        positions = model.positions([stream[0].stream for stream in streams])
        assert positions == {stream[0].stream: at_end(project, stream) for stream in streams}

    def test_only_the_expected_gate_is_moved(self, model: ReadModel, project: Project) -> None:
        order = shipped()
        stream, first, second = order[0].stream, step(project, order[:1]), step(project, order[:2])
        assert model.advance([second]) == set()  # there is no gate yet
        assert model.positions([stream])[stream] == Position()
        assert model.advance([first]) == {stream}
        forged = Advance(stream, Gate(1, "f" * 64), second.end, second.row, at=second.at)
        assert model.advance([forged]) == set()  # the number, but another hash
        assert model.positions([stream])[stream] == at_end(project, order[:1])
        assert model.advance([second]) == {stream}
        assert model.positions([stream])[stream] == at_end(project, order[:2])

    def test_the_same_advance_again_changes_nothing(
        self, model: ReadModel, project: Project
    ) -> None:
        order = shipped()
        first, second = step(project, order[:1]), step(project, order[:2])
        model.advance([first])
        model.advance([first])
        assert model.positions([first.stream])[first.stream] == at_end(project, order[:1])
        model.advance([second])
        assert model.advance([first]) == set()
        assert model.positions([first.stream])[first.stream] == at_end(project, order[:2])

    def test_a_loser_changes_neither_row_nor_marker(
        self, model: ReadModel, project: Project
    ) -> None:
        order = shipped()
        first = step(project, order[:1])
        model.advance([first])
        model.advance([step(project, order[:2])])
        late = Advance(first.stream, START, first.end, first.row, Park(1, "late"), first.at)
        assert model.advance([late]) == set()
        assert model.positions([first.stream])[first.stream] == at_end(project, order[:2])

    def test_a_marker_is_set_and_cleared_behind_the_gate(
        self, model: ReadModel, project: Project
    ) -> None:
        order = shipped()
        stream, first = order[0].stream, step(project, order[:1])
        assert model.advance([Advance(stream, START, START, park=Park(1, "poison"))]) == {stream}
        assert model.positions([stream])[stream] == Position(START, "poison", None)
        assert model.advance([first]) == {stream}
        assert model.positions([stream])[stream] == at_end(project, order[:1])
        kept = Advance(stream, first.end, first.end, park=Park(2, "no more"))
        assert model.advance([kept]) == {stream}
        assert model.positions([stream])[stream] == Position(first.end, "no more", first.row)

    def test_of_writers_of_one_gate_one_wins(self, open_model: OpenModel, project: Project) -> None:
        """Each applied another continuation, as after a restore; and each in another order."""
        beginnings = [shipped()[:1] for _ in range(10)]
        open_model().advance([step(project, one) for one in beginnings])
        writers = [open_model() for _ in range(4)]
        rivals = [
            [
                Advance(one[0].stream, after(one[0]), Gate(2, f"{number}" * 64), at=one[0].at)
                for one in beginnings
            ]
            for number in range(len(writers))
        ]
        won: list[set[str]] = [set() for _ in writers]
        ready = threading.Barrier(len(writers))

        def write(number: int) -> None:
            ready.wait(timeout=10)
            mine = rivals[number]
            won[number] = writers[number].advance(mine[number:] + mine[:number])

        in_parallel(write, len(writers))
        assert sum(map(len, won)) == len(beginnings)
        streams = [one[0].stream for one in beginnings]
        for stream, position in open_model().positions(streams).items():
            [winner] = [number for number, streams in enumerate(won) if stream in streams]
            assert position.gate == Gate(2, f"{winner}" * 64)

    @pytest.mark.parametrize("seed", range(5))
    def test_under_the_projector_it_ends_equal_to_the_fold(
        self, open_model: OpenModel, project: Project, seed: int
    ) -> None:
        """Two projectors at once; commits repeated, out of order, lost, some records unreadable."""
        streams = [shipped() for _ in range(4)] + [cancelled() for _ in range(4)]
        store = stored(*streams)
        projectors = [Projector(store, open_model(), project) for _ in range(2)]

        def project_some(number: int) -> None:
            rng = random.Random(f"{seed}/{number}")
            sent = [deliver(c) for stream in streams for c in stream if rng.random() > 0.3]
            sent += rng.sample(sent, len(sent) // 3)
            sent += [Delivery(id="x", stream=streams[0][0].stream, fault="no JSON")]
            rng.shuffle(sent)
            while sent:
                size = rng.randint(1, 6)
                failed = projectors[number].apply(sent[:size]).failed
                sent = failed + sent[size:]

        in_parallel(project_some, len(projectors))
        projectors[0].reconcile(None, page=3, budget_s=60, clock=lambda: 0)
        positions = open_model().positions([stream[0].stream for stream in streams])
        assert positions == {stream[0].stream: at_end(project, stream) for stream in streams}

    def test_a_fork_parks_its_stream_alone(self, model: ReadModel, project: Project) -> None:
        order, other = shipped(), cancelled()
        number = int(order[0].stream[-12:])
        fork = order_commits(number, [PLACED], [OrderCancelled(reason="other")])[1]
        assert fork.hash != order[1].hash
        projector = Projector(stored(order, other), model, project)
        projector.apply([deliver(*order[:2]), deliver(*other)])
        done = projector.apply([deliver(fork)])
        assert list(done.parked) == [order[0].stream]
        position = model.positions([order[0].stream])[order[0].stream]
        assert position.row == folded(project, order[:2])
        assert "another history" in (position.parked or "")
        assert model.positions([other[0].stream])[other[0].stream] == at_end(project, other)

    def test_what_precedes_a_poisoned_commit_is_shown(
        self, model: ReadModel, project: Project
    ) -> None:
        order = order_commits(next(NUMBERS), SHIPPED[:1], SHIPPED[3:])  # shipped, never paid
        projector = Projector(stored(order), model, project)
        assert projector.apply([deliver(*order)]).failed == []
        position = model.positions([order[0].stream])[order[0].stream]
        assert (position.gate, position.row) == (after(order[0]), folded(project, order[:1]))
        assert "OrderShipped cannot happen" in (position.parked or "")


def in_parallel(work: Callable[[int], None], times: int) -> None:
    faults: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=[number]) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert faults == []
