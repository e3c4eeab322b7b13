"""What holds after any sequence of commands whatever."""

from __future__ import annotations

from functools import reduce

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_service.order import views
from reference_service.order.codec import OrderCodec
from reference_service.order.commands import CancelOrder, Command, PlaceOrder, ShipOrder
from reference_service.order.decider import admit, decide, evolve, initial
from reference_service.order.events import Event, Line, OrderConfirmed, PaymentReceived
from reference_service.order.money import Money
from reference_service.order.state import NotPlaced, Order, Placed
from reference_service.schemas import Schemas
from tests.order.ana import ANA, PLACE, pay

CODEC = OrderCodec(Schemas.load())
AT = "2026-01-05T09:30:00.000Z"

lines = st.builds(
    Line,
    sku=st.sampled_from(["tea", "jam"]),
    quantity=st.integers(1, 3),
    unit_price=st.builds(Money, st.integers(1, 4), st.sampled_from(["EUR", "EUR", "CHF"])),
)
placings = st.builds(
    lambda chosen: msgspec.structs.replace(PLACE, lines=tuple(chosen)),
    st.lists(lines, min_size=1, max_size=2),
)
later = st.one_of(
    st.builds(
        pay,
        st.builds(Money, st.integers(1, 8), st.sampled_from(["EUR", "EUR", "EUR", "CHF"])),
        st.sampled_from([f"payment-{number}" for number in range(9)]),
        st.sampled_from([ANA, ANA, "bob"]),
    ),
    st.builds(CancelOrder, st.just(ANA), st.just("other")),
    st.builds(ShipOrder, st.sampled_from(["shipment-1", "shipment-2"])),
    placings,
)


def histories(commands: list[Command]) -> list[list[Event]]:
    """The events of each command that led to some, one list for each commit."""
    state: Order = initial()
    commits = []
    for command in commands:
        if admit(command, state) is not None:
            continue
        decided = decide(command, state)
        if isinstance(decided, list) and decided:
            commits.append(decided)
            state = reduce(evolve, decided, state)
    return commits


commits = st.builds(
    lambda first, rest: histories([first, *rest]), placings, st.lists(later, max_size=12)
)


@given(commits)
@settings(max_examples=150, deadline=None)
def test_paid_is_the_sum_of_the_payments_and_never_more_than_the_total(
    commits: list[list[Event]],
) -> None:
    state: Order = initial()
    received = 0
    for event in (event for commit in commits for event in commit):
        state = evolve(state, event)
        received += event.amount.amount if isinstance(event, PaymentReceived) else 0
        assert state.paid.amount == received <= state.total.amount


@given(commits)
@settings(max_examples=150, deadline=None)
def test_an_order_is_confirmed_in_the_commit_that_covers_its_total(
    commits: list[list[Event]],
) -> None:
    state: Order = initial()
    for commit in commits:
        covered_before = isinstance(state, Placed) and state.paid == state.total
        assert not covered_before, "a covered order was left unconfirmed"
        state = reduce(evolve, commit, state)
        assert not isinstance(state, NotPlaced)
        if any(isinstance(event, OrderConfirmed) for event in commit):
            assert state.paid == state.total
            assert isinstance(commit[0], PaymentReceived)


@given(commits)
@settings(max_examples=150, deadline=None)
def test_the_projection_shows_what_the_decider_sees(commits: list[list[Event]]) -> None:
    row, state, version = None, initial(), 0
    for commit in commits:
        state = reduce(evolve, commit, state)
        version += len(commit)
        row = views.project(row, "order", commit, version, AT)
        assert not isinstance(state, NotPlaced)
        assert row == views.row("order", state, version, AT, AT)
        assert views.state(row) == msgspec.structs.replace(state, payments=())


@given(commits)
@settings(max_examples=100, deadline=None)
def test_whatever_is_decided_can_be_written_and_read(commits: list[list[Event]]) -> None:
    for commit in commits:
        assert CODEC.decode(CODEC.encode(commit)) == commit


@given(commits, placings, later)
@settings(max_examples=150, deadline=None)
def test_every_command_has_an_answer_in_every_state(
    commits: list[list[Event]], placing: PlaceOrder, command: Command
) -> None:
    state = reduce(evolve, (event for commit in commits for event in commit), initial())
    for asked in (placing, command):
        refusal = admit(asked, state)
        answer = decide(asked, state) if refusal is None else refusal
        assert isinstance(answer, list) or answer.detail
