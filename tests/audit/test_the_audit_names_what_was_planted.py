"""Each way in which the stores can differ is found once, by its kind, its stream and its commit."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import msgspec
import psycopg
import pytest

from bitacora.audit.findings import Kind
from bitacora.audit.orders import Orders
from bitacora.audit.source import Marker, View
from bitacora.audit.store_audit import Report, audit
from bitacora.audit.stream_audit import Clock
from reference_service.aws.items import to_item
from reference_service.cqrs.commit import Commit, sealed
from reference_service.cqrs.gate import Gate, after
from reference_service.order.money import Money
from reference_service.public_writer import PublicWriter
from tests.audit import test_anchors_bear_witness, test_erasures
from tests.audit.plain import (
    CANCEL,
    CODEC,
    LATER,
    SCHEMAS,
    SHIPMENT,
    SHIPPED,
    PlainStores,
    history,
    world,
)
from tests.order.ana import PLACED, paid

ORDERS = Orders(SCHEMAS)
NOBODY = "order-99999999-9999-4999-8999-999999999999"
Spoil = Callable[[PlainStores], None]


def audited(stores: PlainStores, *, grace_s: float = 60, stream: str | None = None) -> Report:
    return audit(stores, ORDERS, Clock(LATER, grace_s), stream=stream)


def found(report: Report) -> list[tuple[str, int | None, str]]:
    return [(each.stream, each.commit, each.kind) for each in report.findings]


def altered(number: int, **changes: Any) -> Spoil:
    """The commit with other content under its old hash."""

    def spoil(stores: PlainStores) -> None:
        commit = msgspec.structs.replace(stores.commits(SHIPPED)[number - 1], **changes)
        stores.items[SHIPPED][number - 1] = to_item(commit)

    return spoil


def rewritten(change: Callable[[int, Commit], Commit]) -> Spoil:
    """A whole history sealed anew, with everything that follows from it."""

    def spoil(stores: PlainStores) -> None:
        commits: list[Commit] = []
        for number, commit in enumerate(stores.commits(SHIPPED), start=1):
            prev = commits[-1].hash if commits else commit.prev
            linked = msgspec.structs.replace(commit, prev=prev)
            commits.append(sealed(change(number, linked)))
        stores.items[SHIPPED] = [to_item(commit) for commit in commits]
        view = stores.read_model[SHIPPED]
        stores.read_model[SHIPPED] = replace(view, gate=after(commits[-1]))

    return spoil


def only(number: int, **changes: Any) -> Callable[[int, Commit], Commit]:
    return lambda n, commit: msgspec.structs.replace(commit, **changes) if n == number else commit


def item(number: int, **attributes: Any) -> Spoil:
    """The item with attributes set, or removed where they are None."""

    def spoil(stores: PlainStores) -> None:
        kept = {**stores.items[SHIPPED][number - 1], **attributes}
        stores.items[SHIPPED][number - 1] = {k: v for k, v in kept.items() if v is not None}

    return spoil


def without(number: int) -> Spoil:
    return lambda stores: stores.items[SHIPPED].__delitem__(number - 1)


def viewed(stream: str = SHIPPED, **changes: Any) -> Spoil:
    def spoil(stores: PlainStores) -> None:
        view = stores.read_model.get(stream, View())
        stores.read_model[stream] = replace(view, **changes)

    return spoil


def row(**columns: Any) -> Spoil:
    def spoil(stores: PlainStores) -> None:
        view = stores.read_model[SHIPPED]
        stores.read_model[SHIPPED] = replace(view, row={**(view.row or {}), **columns})

    return spoil


def recorded(event_id: str, body: bytes | None) -> Spoil:
    def spoil(stores: PlainStores) -> None:
        if body is None:
            del stores.copies[event_id]
        else:
            stores.copies[event_id] = body

    return spoil


def retold(event_id: str, **attributes: Any) -> Spoil:
    def spoil(stores: PlainStores) -> None:
        told = json.loads(stores.copies[event_id])
        stores.copies[event_id] = json.dumps({**told, **attributes}).encode()

    return spoil


def parked_by(consumer: str) -> Marker:
    return Marker(consumer, SHIPPED, 2, "it breaks its contract")


def out_of_turn(number: int, commit: Commit) -> Commit:
    if number != 4:
        return commit
    return msgspec.structs.replace(commit, body=CODEC.encode([PLACED]))


FORGED = f"{SHIPPED}/2/0"
PLANTED: dict[str, tuple[Spoil, list[tuple[str, int | None, Kind]]]] = {
    "an item without a body": (
        item(4, body=None),
        [(SHIPPED, 4, "no-commit")],
    ),
    "an item with a text for a number": (
        item(4, count={"S": "1"}),
        [(SHIPPED, 4, "no-commit")],
    ),
    "an item with half a number": (
        item(4, first={"N": "1.5"}),
        [(SHIPPED, 4, "no-commit")],
    ),
    "an item with an attribute of its own": (
        item(2, note={"S": "paid"}),
        [(SHIPPED, 2, "altered-commit")],
    ),
    "another actor": (
        altered(4, actor="somebody"),
        [(SHIPPED, 4, "altered-commit")],
    ),
    "another hash": (
        altered(2, hash="e" * 64),
        [(SHIPPED, 2, "altered-commit"), (SHIPPED, 3, "broken-chain")],
    ),
    "a prev of another history, sealed": (
        rewritten(only(3, prev="e" * 64)),
        [(SHIPPED, 3, "broken-chain")],
    ),
    "a first commit that follows something": (
        rewritten(only(1, prev="e" * 64)),
        [(SHIPPED, 1, "broken-chain")],
    ),
    "a commit taken out": (
        without(2),
        [(SHIPPED, 2, "gap")],
    ),
    "a first commit taken out": (
        without(1),
        [(SHIPPED, 1, "gap"), (SHIPPED, 1, "invented-event")],
    ),
    "a commit numbered 0": (
        item(1, commit={"N": "0"}),
        [
            (SHIPPED, 0, "altered-commit"),
            (SHIPPED, 0, "gap"),
            (SHIPPED, 1, "gap"),
            (SHIPPED, 1, "invented-event"),
        ],
    ),
    "a version left out": (
        rewritten(lambda n, c: msgspec.structs.replace(c, first=c.first + 1) if n == 4 else c),
        [
            (SHIPPED, 4, "altered-event"),
            (SHIPPED, 4, "altered-row"),
            (SHIPPED, 4, "wrong-version"),
        ],
    ),
    "a count that is too high": (
        rewritten(only(4, count=2)),
        [(SHIPPED, 4, "altered-row"), (SHIPPED, 4, "wrong-count")],
    ),
    "a commit before the one before": (
        rewritten(only(2, at="2025-01-01T00:00:00.000Z")),
        [(SHIPPED, 2, "wrong-time")],
    ),
    "a time in words": (
        rewritten(only(2, at="2026-01-01T00:00:02Z")),
        [(SHIPPED, 2, "wrong-time")],
    ),
    "a command done twice": (
        rewritten(only(3, command_id="command-2")),
        [(SHIPPED, 3, "altered-event"), (SHIPPED, 3, "repeated-command")],
    ),
    "an unknown event": (
        rewritten(only(2, body='[{"type":"OrderLost","v":1,"data":{}}]')),
        [(SHIPPED, 2, "unreadable-event")],
    ),
    "an event that can't follow": (
        rewritten(out_of_turn),
        [(SHIPPED, 4, "unreadable-event")],
    ),
    "a payment in another currency": (
        rewritten(only(2, body=CODEC.encode([paid(Money(1, "USD"))]))),
        [(SHIPPED, 2, "unreadable-event")],
    ),
    "a gate on another history": (
        viewed(gate=Gate(4, "e" * 64)),
        [(SHIPPED, 4, "fork")],
    ),
    "a cut-off tail": (
        without(4),
        [(SHIPPED, 4, "ahead"), (SHIPPED, 4, "invented-event")],
    ),
    "a stream removed whole": (
        lambda stores: stores.items.__delitem__(CANCEL),
        [(CANCEL, 1, "invented-event"), (CANCEL, 2, "ahead"), (CANCEL, 2, "invented-event")],
    ),
    "an amount changed in a row": (
        row(paid=1),
        [(SHIPPED, 4, "altered-row")],
    ),
    "a row deleted": (
        viewed(row=None),
        [(SHIPPED, 4, "altered-row")],
    ),
    "a gate deleted": (
        viewed(gate=None),
        [(SHIPPED, None, "altered-row")],
    ),
    "a row of no order": (
        viewed(NOBODY, row={"order_id": NOBODY}),
        [(NOBODY, None, "altered-row")],
    ),
    "a stream that the projector parked": (
        viewed(parked=parked_by("projector")),
        [(SHIPPED, 2, "parked")],
    ),
    "a stream that the publisher parked": (
        lambda stores: stores.parked.append(parked_by("publisher")),
        [(SHIPPED, 2, "parked")],
    ),
    "a public event deleted": (
        recorded(f"{SHIPPED}/3/1", None),
        [(SHIPPED, 3, "missing-event")],
    ),
    "a dispatch deleted": (
        recorded(f"{SHIPMENT}/1/0", None),
        [(SHIPMENT, 1, "missing-event")],
    ),
    "a public event of a payment": (
        recorded(FORGED, b"{}"),
        [(SHIPPED, 2, "invented-event")],
    ),
    "a public event of no order": (
        recorded(f"{NOBODY}/1/0", b"{}"),
        [(NOBODY, 1, "invented-event")],
    ),
    "a dispatch of no order": (
        recorded("shipment-9/1/0", b"{}"),
        [("shipment-9", None, "invented-event")],
    ),
    "an object that is no event": (
        recorded("readme", b"{}"),
        [("", None, "invented-event")],
    ),
    "a public event with other data": (
        retold(f"{SHIPPED}/1/0", data={"customer_id": "somebody"}),
        [(SHIPPED, 1, "altered-event")],
    ),
    "a public event in a version to come": (
        retold(f"{SHIPPED}/1/0", dataschema="urn:bitacora:event:public:order_placed:v9"),
        [(SHIPPED, 1, "altered-event")],
    ),
    "a public event emptied": (
        recorded(f"{SHIPPED}/1/0", b""),
        [(SHIPPED, 1, "altered-event")],
    ),
    "a dispatch with other data": (
        retold(f"{SHIPMENT}/1/0", time="2026-02-01T00:00:00.000Z"),
        [(SHIPMENT, 1, "altered-event")],
    ),
    "a sum that is not that of its rows": (
        lambda stores: stores.sums.append("customer_summary of ana, EUR"),
        [("", None, "altered-sum")],
    ),
}


def test_a_sound_world_holds_and_everything_was_looked_at() -> None:
    report = audited(world())
    assert (report.verdict, found(report), report.lags) == ("holds", [], [])
    assert report.counts == {
        "streams": 2,
        "commits": 6,
        "events": 7,
        "read model rows": 2,
        "statuses behind": 2,
        "ledger events": 6,
        "shipments": 2,
    }


@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_named(planted: str) -> None:
    spoil, expected = PLANTED[planted]
    stores = world()
    spoil(stores)
    report = audited(stores)
    assert sorted(found(report), key=str) == sorted(expected, key=str), report.findings
    assert report.verdict == "violated"


@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_named_when_its_stream_alone_is_asked_for(planted: str) -> None:
    spoil, expected = PLANTED[planted]
    stores = world()
    spoil(stores)
    for stream in {stream for stream, _, _ in expected if stream}:
        alone = audited(stores, stream=stream)
        assert sorted(found(alone), key=str) == sorted(
            (each for each in expected if each[0] == stream), key=str
        )


def test_every_kind_was_planted() -> None:
    everything = [*PLANTED.values(), *test_anchors_bear_witness.PLANTED.values()]
    planted = {kind for _, expected in everything for _, _, kind in expected}
    planted |= {test_erasures.PLANTED}
    assert planted == set(get_args(Kind))


def test_no_detail_repeats_what_a_customer_said() -> None:
    """Ana's delivery and her id stand in nearly every row and event that differs here."""
    assert PLACED.delivery
    said = [*msgspec.structs.astuple(PLACED.delivery), PLACED.customer_id]
    for spoil, _ in PLANTED.values():
        stores = world()
        spoil(stores)
        for finding in audited(stores).findings:
            assert not [text for text in said if text in finding.detail]


def test_a_row_that_is_behind_is_lag_and_no_finding() -> None:
    stores = world()
    stores.apply(stores.commits(SHIPPED)[:2])
    report = audited(stores)
    assert report.verdict == "holds"
    assert report.counts["rows behind their head"] == 1
    (lag,) = report.lags
    assert (lag.stream, lag.commit, lag.head) == (SHIPPED, 2, 4)
    assert lag.waiting_s == 3600 - 3


def test_a_row_that_is_behind_is_held_against_its_own_commit() -> None:
    stores = world()
    stores.apply(stores.commits(SHIPPED)[:2])
    row(status="confirmed")(stores)
    assert found(audited(stores)) == [(SHIPPED, 2, "altered-row")]


def test_an_order_that_the_read_model_has_not_seen_is_behind() -> None:
    stores = world()
    del stores.read_model[SHIPPED]
    report = audited(stores)
    assert report.verdict == "holds"
    assert report.lags[0].commit == 0


def test_a_public_event_may_be_under_way_for_the_grace_time() -> None:
    stores = world()
    recorded(f"{SHIPPED}/4/0", None)(stores)
    patient = audited(stores, grace_s=3600)
    assert patient.verdict == "holds"
    assert patient.counts["public events under way"] == 1
    assert audited(stores, grace_s=3595).verdict == "violated"


def test_an_older_version_of_a_public_event_is_what_was_called_for() -> None:
    """Which version was written is configuration, and it was another one at another time."""
    stores = world()
    event_id = f"{SHIPPED}/3/1"
    told = json.loads(stores.copies[event_id])
    versions = {"OrderConfirmed": 1}
    event = ORDERS.fold(SHIPPED, stores.commits(SHIPPED)).public[event_id].event
    older = PublicWriter(SCHEMAS, versions).content(event)
    assert told["dataschema"] != older["dataschema"]
    del told["oldestreader"]
    stores.copies[event_id] = json.dumps({**told, **older}).encode()
    assert audited(stores).verdict == "holds"
    older["data"]["version"] = 9
    stores.copies[event_id] = json.dumps({**told, **older}).encode()
    assert found(audited(stores)) == [(SHIPPED, 3, "altered-event")]


def test_orders_that_go_on_while_the_audit_looks_are_no_findings() -> None:
    """After the scan the shipped order's last commit arrives everywhere, and a new order too."""
    whole, stores = world(), world()
    stores.items[SHIPPED].pop()
    stores.apply(stores.commits(SHIPPED))
    recorded(f"{SHIPPED}/4/0", None)(stores)
    new = history(NOBODY, [[PLACED]])

    def meanwhile() -> None:
        stores.items[SHIPPED] = whole.items[SHIPPED]
        stores.read_model[SHIPPED] = whole.read_model[SHIPPED]
        stores.copies |= whole.copies
        stores.store(new)

    stores.meanwhile = meanwhile
    report = audited(stores)
    assert (report.verdict, found(report)) == ("holds", [])
    assert report.counts["streams"] == 3


def test_one_stream_is_looked_at_with_its_shipment_and_nothing_else() -> None:
    stores = world()
    without(2)(stores)
    viewed(NOBODY, row={"order_id": NOBODY})(stores)
    assert audited(stores, stream=CANCEL).verdict == "holds"
    assert audited(stores, stream=CANCEL).counts["streams"] == 1
    assert audited(world(), stream=SHIPPED).counts["shipments"] == 1


def test_nothing_observed_is_unknown() -> None:
    assert audited(PlainStores()).verdict == "unknown"
    assert audited(world(), stream=NOBODY).verdict == "unknown"


def test_a_store_that_cannot_be_read_is_unknown_unless_something_was_found() -> None:
    def unreachable() -> None:
        raise psycopg.OperationalError("no answer\nand more")

    stores = world()
    stores.viewed = unreachable  # type: ignore[method-assign,assignment]
    report = audited(stores)
    assert (report.verdict, report.unread) == ("unknown", "no answer")
    assert "no answer" in report.reason
    without(2)(stores)
    assert audited(stores).verdict == "violated"


def test_more_streams_than_a_batch_are_all_looked_at() -> None:
    stores = PlainStores()
    for number in range(150):
        stores.store(history(f"order-{number:08d}-1111-4111-8111-111111111111", [[PLACED]]))
    report = audited(stores)
    assert report.verdict == "holds"
    assert report.counts["streams"] == 150
