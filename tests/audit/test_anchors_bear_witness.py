"""What nothing else can tell, anchors do: a history that ends too early, is gone, or was rewritten.

In these worlds the read model and the ledger agree with what was planted.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import get_args

import msgspec
import pytest

from bitacora.audit.findings import Kind
from bitacora.audit.orders import Orders
from bitacora.audit.store_audit import Report, audit
from bitacora.audit.stream_audit import Clock
from reference_service.cqrs.anchor import (
    anchor_name,
    decode_anchor,
    decode_part,
    encode_anchor,
    encode_part,
    part_name,
)
from reference_service.cqrs.anchoring import FULL_AFTER
from reference_service.cqrs.commit import Commit, sealed, timestamp
from tests.audit.plain import CANCEL, LATER, SCHEMAS, SHIPPED, PlainStores, world

ORDERS = Orders(SCHEMAS)
Spoil = Callable[[PlainStores], None]
# The first anchor knows two commits of SHIPPED, the second one three, the third one nothing new.
FIRST, SECOND, THIRD = (LATER - timedelta(minutes=minutes) for minutes in (50, 40, 10))


def anchored_world() -> PlainStores:
    """A world anchored three times; the last commit of SHIPPED is anchored by none of them."""
    stores, whole = world(), world()
    for count, moment in ((2, FIRST), (3, SECOND), (3, THIRD)):
        stores.items[SHIPPED] = whole.items[SHIPPED][:count]
        stores.anchor(moment)
    stores.items[SHIPPED] = whole.items[SHIPPED]
    return stores


def audited(stores: PlainStores, stream: str | None = None) -> Report:
    return audit(stores, ORDERS, Clock(LATER, 60), stream=stream)


def found(report: Report) -> list[tuple[str, int | None, str]]:
    return sorted(((f.stream, f.commit, f.kind) for f in report.findings), key=str)


def forget(stores: PlainStores, stream: str) -> None:
    """Everything that follows from a stream, out of every store."""
    stores.items.pop(stream)
    stores.read_model.pop(stream)
    for event_id in [event_id for event_id in stores.copies if event_id.startswith(f"{stream}/")]:
        stores.copies.pop(event_id)


def retold(stores: PlainStores, commits: Sequence[Commit]) -> None:
    """The stream with these commits alone, and everything that follows from them."""
    forget(stores, commits[0].stream)
    stores.store(commits)


def cut(count: int) -> Spoil:
    return lambda stores: retold(stores, stores.commits(SHIPPED)[:count])


def recomputed(stores: PlainStores) -> None:
    """Another actor in commit 2, and a sound chain from there on."""
    commits = stores.commits(SHIPPED)
    commits[1] = sealed(msgspec.structs.replace(commits[1], actor="somebody"))
    for number in (2, 3):
        prev = commits[number - 1].hash
        commits[number] = sealed(msgspec.structs.replace(commits[number], prev=prev))
    retold(stores, commits)


def recomputed_and_anchored(stores: PlainStores) -> None:
    """The newest anchor, of all streams, holds the forged history; older ones hold the other."""
    recomputed(stores)
    stores.anchor(THIRD + FULL_AFTER)
    _, heads = decode_part(stores.anchors.objects[part_name(4, 1)])
    assert (SHIPPED, 4, stores.commits(SHIPPED)[3].hash) in heads


def without(name: str) -> Spoil:
    return lambda stores: stores.anchors.objects.__delitem__(name)


def replaced(name: str, stored: Callable[[bytes], bytes]) -> Spoil:
    def spoil(stores: PlainStores) -> None:
        stores.anchors.objects[name] = stored(stores.anchors.objects[name])

    return spoil


def accusing(stored: bytes) -> bytes:
    """A part that holds a commit which never was."""
    header, heads = decode_part(stored)
    return encode_part(header, [*heads, (CANCEL, 9, "e" * 64)])


def later(stored: bytes) -> bytes:
    return encode_anchor(msgspec.structs.replace(decode_anchor(stored), began=timestamp(LATER)))


def second_of_another_bucket(stores: PlainStores) -> None:
    other = world()
    for moment in (FIRST, SECOND):
        other.anchor(moment)
    for name in (anchor_name(2), part_name(2, 1)):
        stores.anchors.objects[name] = other.anchors.objects[name]


BROKEN: list[tuple[str, int | None, Kind]] = [("", None, "broken-anchor")]
UNLOCKED: list[tuple[str, int | None, Kind]] = [("", None, "unlocked-anchor")]
PLANTED: dict[str, tuple[Spoil, list[tuple[str, int | None, Kind]]]] = {
    "a tail cut off": (cut(2), [(SHIPPED, 3, "cut-off")]),
    "a tail cut off down to the first commit": (cut(1), [(SHIPPED, 2, "cut-off")]),
    "a stream removed": (
        lambda stores: forget(stores, CANCEL),
        [(CANCEL, None, "removed-stream")],
    ),
    "a chain computed anew": (recomputed, [(SHIPPED, 2, "anchor-mismatch")]),
    "a chain computed and anchored anew": (
        recomputed_and_anchored,
        [(SHIPPED, 2, "anchor-mismatch")],
    ),
    "an anchor removed": (without(anchor_name(2)), BROKEN),
    "a part removed": (without(part_name(2, 1)), BROKEN),
    "an anchor emptied": (replaced(anchor_name(2), lambda _: b""), BROKEN),
    "the newest anchor emptied": (replaced(anchor_name(3), lambda _: b""), BROKEN),
    "an anchor with another time": (replaced(anchor_name(2), later), BROKEN),
    "a part that accuses": (replaced(part_name(2, 1), accusing), BROKEN),
    "a part that is none": (replaced(part_name(2, 1), lambda _: b"\x1f\x8b"), BROKEN),
    "an anchor of another bucket": (second_of_another_bucket, BROKEN),
    "the newest anchor replaced by the one before": (
        lambda stores: replaced(anchor_name(3), lambda _: stores.anchors.objects[anchor_name(2)])(
            stores
        ),
        BROKEN,
    ),
    "an anchor hidden": (
        lambda stores: stores.changed.update({anchor_name(2): 1}),
        BROKEN,
    ),
    "an anchor that is not locked": (
        lambda stores: stores.unlocked.update([anchor_name(2)]),
        UNLOCKED,
    ),
    "a bucket without a lock": (
        lambda stores: setattr(stores, "retention", None),
        UNLOCKED,
    ),
}


def test_a_sound_world_says_up_to_when_it_is_anchored() -> None:
    report = audited(anchored_world())
    assert (report.verdict, found(report)) == ("holds", [])
    assert report.anchored_up_to == timestamp(THIRD)
    assert report.lock == "COMPLIANCE for 90 days"
    assert (report.counts["anchors"], report.counts["anchored heads"]) == (3, 3)


@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_named(planted: str) -> None:
    spoil, expected = PLANTED[planted]
    stores = anchored_world()
    spoil(stores)
    report = audited(stores)
    assert found(report) == sorted(expected, key=str), report.findings
    assert report.verdict == "violated"


@pytest.mark.parametrize("planted", PLANTED)
def test_it_is_named_when_a_stream_alone_is_asked_for(planted: str) -> None:
    """An anchor that is broken might have told of this very stream."""
    spoil, expected = PLANTED[planted]
    stores = anchored_world()
    spoil(stores)
    stream = expected[0][0] or SHIPPED
    assert found(audited(stores, stream)) == sorted(expected, key=str)


def test_what_was_cut_off_above_the_last_anchor_is_not_noticed_by_anchors() -> None:
    stores = anchored_world()
    cut(3)(stores)
    assert found(audited(stores)) == []


def test_without_anchors_nothing_is_anchored() -> None:
    stores = world()
    cut(2)(stores)
    report = audited(stores)
    assert (report.anchored_up_to, report.counts["anchors"]) == ("", 0)
    assert found(report) == []


def test_what_is_incomplete_is_no_anchor() -> None:
    stores = anchored_world()
    stores.anchors.objects.pop(anchor_name(3))
    report = audited(stores)
    assert (report.verdict, report.anchored_up_to) == ("holds", timestamp(SECOND))


def test_a_broken_anchor_accuses_nobody_and_the_sound_ones_still_do() -> None:
    stores = anchored_world()
    cut(1)(stores)
    replaced(part_name(2, 1), accusing)(stores)
    assert found(audited(stores)) == [*BROKEN, (SHIPPED, 2, "cut-off")]
    assert audited(stores).anchored_up_to == timestamp(THIRD)


def test_all_kinds_of_anchors_are_planted_here() -> None:
    kinds = {kind for _, expected in PLANTED.values() for _, _, kind in expected}
    assert kinds == set(get_args(Kind)[-5:])


def test_more_anchors_than_are_read_at_once_are_all_read() -> None:
    stores = anchored_world()
    for number in range(60):
        stores.anchor(THIRD + timedelta(seconds=number))
    report = audited(stores)
    assert (report.verdict, report.counts["anchors"]) == ("holds", 63)
    without(anchor_name(30))(stores)
    assert found(audited(stores)) == BROKEN
