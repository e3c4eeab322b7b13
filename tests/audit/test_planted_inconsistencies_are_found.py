"""Each difference between the event store and what follows from it is found, and named."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bitacora.audit.consistency import inconsistencies
from bitacora.audit.observation import Observation, stream_of
from reference_service.cqrs.commit import Commit, sealed
from reference_service.cqrs.gate import Gate, after
from tests.audit.orders import PUBLIC, SHIPPED, history, world

WORLD = world()
ONE = WORLD.commits["order-1"]


def without(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != key}


def with_commits(*commits: Any) -> Observation:
    return replace(WORLD, commits={**WORLD.commits, "order-1": commits})


def with_row(**columns: Any) -> Observation:
    row = {**WORLD.rows["order-1"], **columns}
    return replace(WORLD, rows={**WORLD.rows, "order-1": row})


def found(seen: Observation) -> set[tuple[str, str, str]]:
    return {(each.kind, each.where, each.subject) for each in inconsistencies(seen, PUBLIC)}


def unreadable(commit: Commit) -> Commit:
    newer = [{**event, "v": 99, "r": 99} for event in json.loads(commit.body)]
    return sealed(msgspec.structs.replace(commit, body=json.dumps(newer)))


PLANTED = {
    "a missing commit": (with_commits(ONE[0], *ONE[2:]), ("broken", "event store", "order-1")),
    "an altered commit": (
        with_commits(*ONE[:3], msgspec.structs.replace(ONE[3], body=ONE[3].body + " ")),
        ("broken", "event store", "order-1"),
    ),
    "an event of no version that is known": (
        with_commits(*ONE[:3], unreadable(ONE[3])),
        ("broken", "event store", "order-1"),
    ),
    "a forged link": (
        with_commits(*ONE[:3], sealed(msgspec.structs.replace(ONE[3], prev="f" * 64))),
        ("broken", "event store", "order-1"),
    ),
    "a command done twice": (
        with_commits(*history("order-1", (*SHIPPED[:2], SHIPPED[1], *SHIPPED[2:]))),
        ("doubled", "event store", "order-1"),
    ),
    "an order without a row": (
        replace(WORLD, rows=without(WORLD.rows, "order-1")),
        ("invisible", "read model", "order-1"),
    ),
    "an order without a gate": (
        replace(WORLD, gates=without(WORLD.gates, "order-1")),
        ("invisible", "read model", "order-1"),
    ),
    "a gate behind the store": (
        replace(WORLD, gates={**WORLD.gates, "order-1": after(ONE[2])}),
        ("invisible", "read model", "order-1"),
    ),
    "a cut-off tail of the store": (
        with_commits(*ONE[:3]),
        ("phantom", "read model", "order-1"),
    ),
    "a gate on another history": (
        replace(WORLD, gates={**WORLD.gates, "order-1": Gate(4, "e" * 64)}),
        ("broken", "read model", "order-1"),
    ),
    "a payment counted twice": (with_row(paid=14), ("broken", "read model", "order-1")),
    "a row at an older status": (with_row(status="placed"), ("broken", "read model", "order-1")),
    "a row of no order": (
        replace(WORLD, rows={**WORLD.rows, "order-9": {"version": 1}}),
        ("phantom", "read model", "order-9"),
    ),
    "a parked order": (
        replace(WORLD, parked={"order-1": "Undecodable"}),
        ("parked", "read model", "order-1"),
    ),
    "an event that the ledger lacks": (
        replace(WORLD, ledger=without(WORLD.ledger, "order-1/3/1")),
        ("missing", "ledger", "order-1/3/1"),
    ),
    "a dispatch that the ledger lacks": (
        replace(WORLD, ledger=without(WORLD.ledger, "shipment-1/1/0")),
        ("missing", "ledger", "shipment-1/1/0"),
    ),
    "a public event of nothing": (
        replace(WORLD, ledger={**WORLD.ledger, "order-1/2/0": ("digest",)}),
        ("phantom", "ledger", "order-1/2/0"),
    ),
    "a ledger with two copies": (
        replace(WORLD, ledger={**WORLD.ledger, "order-1/1/0": ("one", "two")}),
        ("doubled", "ledger", "order-1/1/0"),
    ),
    "a confirmed order without a shipment": (
        replace(WORLD, shipments={}, commits={"order-1": ONE[:3]}),
        ("unshipped", "fulfilment", "order-1"),
    ),
    "a shipment that the order does not know": (
        with_commits(*ONE[:3]),
        ("unshipped", "event store", "order-1"),
    ),
    "a shipment of an unconfirmed order": (
        replace(WORLD, shipments={**WORLD.shipments, "order-2": {"status": "dispatched"}}),
        ("phantom", "fulfilment", "order-2"),
    ),
    "a shipment on record that never was": (
        replace(WORLD, shipments={}),
        ("phantom", "event store", "order-1"),
    ),
}


def test_a_sound_world_has_none() -> None:
    assert found(WORLD) == set()


@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_found(planted: str) -> None:
    seen, expected = PLANTED[planted]
    assert expected in found(seen)


def test_of_an_order_that_cannot_be_read_only_that_is_told() -> None:
    placed = unreadable(ONE[0])
    seen = Observation(
        commits={"order-1": (placed,)},
        rows={"order-1": {**WORLD.rows["order-1"], "version": 1}},
        gates={"order-1": after(placed)},
        parked={},
        ledger={},
        shipments={},
    )
    [told] = inconsistencies(seen, PUBLIC)
    assert (told.kind, told.where) == ("broken", "event store")
    assert "commit 1 cannot be read: OrderPlaced has version 99" in told.detail


def test_an_event_is_about_its_order_whoever_published_it() -> None:
    assert stream_of("order-1a-2b/3/1") == "order-1a-2b"
    assert stream_of("shipment-1a-2b/1/0") == "order-1a-2b"


def test_another_orders_troubles_are_left_out_when_asked() -> None:
    troubled = replace(WORLD, ledger={}, rows={}, shipments={}, parked={"order-1": "x"})
    assert found(troubled.of(lambda stream: stream == "order-7")) == set()
    kept = WORLD.of(lambda stream: stream == "order-1")
    assert found(kept) == set()
    assert kept.ledger.keys() == {key for key in WORLD.ledger if stream_of(key) == "order-1"}


MAY_STILL_ARRIVE = {
    "an order without a row",
    "an order without a gate",
    "a gate behind the store",
    "a parked order",
    "an event that the ledger lacks",
    "a dispatch that the ledger lacks",
    "a confirmed order without a shipment",
    "a shipment that the order does not know",
    "a shipment on record that never was",  # kept between two looks
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_waiting_cannot_cure_is_final(planted: str) -> None:
    seen, (kind, where, subject) = PLANTED[planted]
    [told] = {
        each.is_final
        for each in inconsistencies(seen, PUBLIC)
        if (each.kind, each.where, each.subject) == (kind, where, subject)
    }
    assert told is (planted not in MAY_STILL_ARRIVE)
