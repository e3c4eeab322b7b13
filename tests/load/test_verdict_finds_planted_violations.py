"""The verdict holds on a sound run, names each planted violation, and never holds on nothing."""

from dataclasses import replace

import pytest

from bitacora.audit.observation import Observation
from load.verdict import Accepted, Outcome, Sent, judge, unobserved
from tests.audit.orders import PUBLIC, SHIPPED, history, world

WORLD = world()
ACCEPTED = (
    Accepted("place", "order-1", 1, 1),
    Accepted("pay-1", "order-1", 2, 2),
    Accepted("pay-2", "order-1", 3, 4),
    Accepted("place-2", "order-2", 1, 1),
    Accepted("cancel-2", "order-2", 2, 2),
)
SENT = Sent(
    accepted=ACCEPTED,
    refused=frozenset({"overpaid"}),
    unanswered=frozenset({"gone"}),
    from_events=frozenset({"ship"}),
)
NOTHING = Observation(commits={}, rows={}, gates={}, parked={}, ledger={}, shipments={})
TWICE = history("order-1", (*SHIPPED[:2], SHIPPED[1], *SHIPPED[2:]))
ELSEWHERE = history("order-3", (SHIPPED[0],))

PLANTED = {
    "a missing commit": (
        replace(SENT, accepted=(*ACCEPTED, Accepted("lost", "order-1", 5, 6))),
        WORLD,
        ("missing", "event store", "order-1"),
    ),
    "a missing order": (
        replace(SENT, accepted=(*ACCEPTED, Accepted("lost", "order-3", 1, 1))),
        WORLD,
        ("missing", "event store", "order-3"),
    ),
    "another version than was told": (
        replace(SENT, accepted=(Accepted("place", "order-1", 1, 2), *ACCEPTED[1:])),
        WORLD,
        ("broken", "event store", "order-1"),
    ),
    "a doubled commit": (
        SENT,
        replace(WORLD, commits={**WORLD.commits, "order-1": TWICE}),
        ("doubled", "event store", "order-1"),
    ),
    "an order placed twice": (
        SENT,
        replace(WORLD, commits={**WORLD.commits, "order-3": ELSEWHERE}),
        ("doubled", "event store", "order-1"),
    ),
    "a refused command with an effect": (
        replace(SENT, refused=frozenset({"pay-1"}), accepted=(ACCEPTED[0], *ACCEPTED[2:])),
        WORLD,
        ("phantom", "event store", "order-1"),
    ),
    "a command that nobody sent": (
        replace(SENT, from_events=frozenset()),
        WORLD,
        ("phantom", "event store", "order-1"),
    ),
    "an invisible order": (
        SENT,
        replace(WORLD, rows={"order-1": WORLD.rows["order-1"]}),
        ("invisible", "read model", "order-2"),
    ),
    "an event that the ledger lacks": (
        SENT,
        replace(WORLD, ledger={}),
        ("missing", "ledger", "order-2/2/0"),
    ),
}


def test_a_sound_run_holds_and_counts() -> None:
    verdict = judge(SENT, WORLD, PUBLIC)
    assert (verdict.outcome, verdict.violations) == (Outcome.HOLDS, ())
    assert verdict.counts == {
        "commands accepted": 5,
        "commands refused": 1,
        "commands unanswered": 1,
        "accepted in the store once": 5,
        "orders in the store": 2,
        "orders visible at their last version": 2,
        "public events called for": 6,
        "public events in the ledger": 6,
        "shipments dispatched": 1,
    }


@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_violated(planted: str) -> None:
    sent, seen, expected = PLANTED[planted]
    verdict = judge(sent, seen, PUBLIC)
    assert verdict.outcome is Outcome.VIOLATED
    assert expected in {(each.kind, each.where, each.subject) for each in verdict.violations}


def test_an_unanswered_command_may_be_in_the_store() -> None:
    unanswered = replace(SENT, unanswered=frozenset({"pay-2"}), accepted=ACCEPTED[:2])
    cancelled = replace(unanswered, unanswered=unanswered.unanswered | {"place-2", "cancel-2"})
    assert judge(cancelled, WORLD, PUBLIC).outcome is Outcome.HOLDS


def test_nothing_observed_is_unknown() -> None:
    none = Sent(
        accepted=(), refused=frozenset({"a"}), unanswered=frozenset({"b"}), from_events=frozenset()
    )
    assert judge(none, NOTHING, PUBLIC).outcome is Outcome.UNKNOWN
    assert unobserved(SENT, "the read model is unreachable").outcome is Outcome.UNKNOWN


def test_accepted_commands_and_an_empty_store_are_a_violation() -> None:
    assert judge(SENT, NOTHING, PUBLIC).outcome is Outcome.VIOLATED


def test_exit_codes() -> None:
    assert [outcome.value for outcome in Outcome] == [0, 1, 2]
