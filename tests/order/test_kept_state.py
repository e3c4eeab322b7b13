"""What a snapshot keeps of an order: what decisions rest on, nothing personal, and its form."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings

from reference_service.order.commands import Command
from reference_service.order.decider import admit, decide, evolve, initial
from reference_service.order.events import VERSIONS, Event, ReturnRequested
from reference_service.order.kept_state import STATE_SCHEMA, KeptOrders
from reference_service.order.state import Existing, NotPlaced
from reference_service.schemas import Undecodable
from tests.order.ana import CANCELLED, CONFIRMED, PLACED, SHIPMENT, SHIPPED, euros, paid
from tests.order.scenario import after
from tests.order.test_invariants import commits, later

KEPT = KeptOrders()
PINNED = Path(__file__).with_name("kept_states") / f"{STATE_SCHEMA}.json"
HISTORIES: dict[str, tuple[Event, ...]] = {
    "placed": (PLACED,),
    "paid in part": (PLACED, paid(euros(1000), "payment-1"), paid(euros(1), "payment-2")),
    "confirmed": CONFIRMED,
    "shipped": SHIPPED,
    "cancelled": CANCELLED,
    "cancelled and to be returned": (
        *CANCELLED,
        ReturnRequested(shipment_id=SHIPMENT, reason="order_cancelled"),
    ),
}


def existing(*events: Event) -> Existing:
    state = after(*events)
    assert not isinstance(state, NotPlaced)
    return state


def test_the_same_schema_keeps_the_same_states() -> None:
    """A snapshot is read by other code than wrote it."""
    told = (
        f"a history leads to another kept state than it did: raise STATE_SCHEMA, and let "
        f"{PINNED.parent} have a file of that number with what is kept now"
    )
    kept = {name: json.loads(KEPT.encode(after(*events))) for name, events in HISTORIES.items()}
    assert PINNED.exists(), told
    assert kept == json.loads(PINNED.read_text("utf-8")), told


def test_every_state_of_an_order_is_among_them() -> None:
    assert {type(after(*events)) for events in HISTORIES.values()} == set(get_args(Existing))


def test_a_deployment_that_knows_other_events_believes_no_snapshot() -> None:
    assert KEPT.schema.startswith(f"order/{STATE_SCHEMA},")
    for kind, version in VERSIONS.items():
        assert f"{kind}/{version}" in KEPT.schema.split(",")


@pytest.mark.parametrize("events", HISTORIES.values(), ids=HISTORIES)
def test_nothing_personal_is_kept(events: tuple[Event, ...]) -> None:
    assert PLACED.delivery is not None
    kept = KEPT.encode(after(*events))
    for value in msgspec.to_builtins(PLACED.delivery).values():
        if len(value) > 2:  # a country code may stand in any word
            assert value not in kept


@given(commits.filter(bool))
@settings(max_examples=150, deadline=None)
def test_but_for_the_delivery_a_kept_state_is_the_state(commits: list[list[Event]]) -> None:
    state = existing(*(event for commit in commits for event in commit))
    kept = KEPT.decode(KEPT.encode(state))
    assert kept == msgspec.structs.replace(state, delivery=None)
    assert type(kept) is type(state)


@given(commits.filter(bool), later)
@settings(max_examples=300, deadline=None)
def test_no_decision_looks_at_what_is_left_out(
    commits: list[list[Event]], command: Command
) -> None:
    state = reduce(evolve, (event for commit in commits for event in commit), initial())
    kept = KEPT.decode(KEPT.encode(state))
    assert admit(command, kept) == admit(command, state)
    decided = decide(command, state)
    assert decide(command, kept) == decided
    if isinstance(decided, list):
        one, other = reduce(evolve, decided, state), reduce(evolve, decided, kept)
        assert KEPT.encode(one) == KEPT.encode(other)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"status": "lost"}', '{"status": "placed"}', '{"status": "shipped"}'],
)
def test_a_text_that_is_no_state_is_undecodable(text: str) -> None:
    with pytest.raises(Undecodable):
        KEPT.decode(text)
