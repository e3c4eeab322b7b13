"""Anchors hold the heads of all streams, whatever interrupts the runs that write them."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import pytest

from reference_service.cqrs import anchoring
from reference_service.cqrs.anchor import (
    ANCHORS,
    HEADS,
    Anchor,
    AnchoredHead,
    NoAnchor,
    Part,
    anchor_name,
    anchor_number,
    decode_anchor,
    decode_part,
    digest,
    encode_anchor,
    encode_part,
    part_name,
    part_number,
)
from reference_service.cqrs.anchoring import FULL_AFTER, OVERLAP, Anchoring, Slice
from reference_service.cqrs.commit import GENESIS, Commit, sealed, timestamp
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.store import Unavailable
from tests.cqrs.anchor_store_contract import *  # noqa: F403
from tests.cqrs.anchor_store_contract import AnchorStoreContract
from tests.cqrs.memory_anchors import InMemoryAnchors
from tests.cqrs.toy import NOON, extended

LONG = timedelta(hours=1)
NOW = timedelta(0)


@pytest.fixture
def anchors() -> InMemoryAnchors:
    return InMemoryAnchors()


class TestInMemoryAnchors(AnchorStoreContract):
    pass


@dataclass
class World:
    """An event store, its anchors, and a clock that is set by hand."""

    events: InMemoryEventStore = field(default_factory=InMemoryEventStore)
    anchors: InMemoryAnchors = field(default_factory=InMemoryAnchors)
    now: datetime = NOON
    heads: dict[str, Commit] = field(default_factory=dict)

    def append(self, stream: str, at: datetime | None = None) -> Commit:
        new = extended(self.heads.get(stream), stream)
        commit = sealed(msgspec.structs.replace(new, at=timestamp(at or self.now)))
        self.events.append(commit)
        self.heads[stream] = commit
        return commit

    def run(self, budget: timedelta = LONG) -> Slice:
        return Anchoring(self.events, self.anchors, lambda: self.now).go_on(budget)

    def anchored(self, anchor: int) -> set[AnchoredHead]:
        """Its heads, and everything about its form is checked."""
        return set(heads_of(self.anchors, anchor))

    def all_heads(self, *streams: str) -> set[AnchoredHead]:
        return {
            (stream, head.commit, head.hash)
            for stream, head in self.heads.items()
            if not streams or stream in streams
        }


def heads_of(anchors: InMemoryAnchors, number: int) -> list[AnchoredHead]:
    stored = anchors.objects[anchor_name(number)]
    anchor, heads = decode_anchor(stored), []
    before = anchors.objects.get(anchor_name(number - 1))
    assert anchor.prev == (digest(before) if before else GENESIS)
    prev = anchor.prev
    for part in range(1, anchor.parts + 1):
        stored = anchors.objects[part_name(number, part)]
        header, found = decode_part(stored)
        heads += found
        assert (header.anchor, header.part, header.prev) == (number, part, prev)
        assert (header.began, header.since) == (anchor.began, anchor.since)
        assert header.heads == len(heads)
        assert (header.cursor is None) is (part == anchor.parts)
        prev = digest(stored)
    assert (prev, len(heads)) == (anchor.last, anchor.heads)
    return heads


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Seven streams since yesterday; parts hold three heads, pages two."""
    monkeypatch.setattr(anchoring, "PART_HEADS", 3)
    monkeypatch.setattr(anchoring, "PAGE", 2)
    world = World(now=NOON - timedelta(days=1))
    for number in range(7):
        world.append(f"sum-{number}")
    world.append("sum-3")
    world.now = NOON
    return world


def test_the_first_anchor_holds_every_stream(world: World) -> None:
    assert world.run() == Slice(1, heads=7, complete=True)
    assert world.anchored(1) == world.all_heads()
    anchor = decode_anchor(world.anchors.objects[anchor_name(1)])
    assert (anchor.since, anchor.full, anchor.began) == ("", timestamp(NOON), timestamp(NOON))
    assert anchor.parts == 2


def test_an_event_store_without_streams_is_anchored_too() -> None:
    world = World()
    assert world.run() == Slice(1, heads=0, complete=True)
    assert world.anchored(1) == set()


def test_the_next_anchor_holds_what_changed_since_and_names_the_one_before(world: World) -> None:
    world.run()
    world.now += timedelta(hours=1)
    world.append("sum-2")
    world.append("sum-8")
    assert world.run() == Slice(2, heads=2, complete=True)
    assert world.anchored(2) == world.all_heads("sum-2", "sum-8")


def test_a_commit_that_was_decided_shortly_before_the_last_anchor_began_is_not_left_out(
    world: World,
) -> None:
    """It may have come into the store after the scan had passed."""
    world.run()
    late, early = NOON - OVERLAP, NOON - OVERLAP - timedelta(milliseconds=1)
    world.append("late", late)
    world.append("early", early)
    world.now += timedelta(hours=1)
    world.run()
    assert world.all_heads("late") <= world.anchored(2)
    assert not world.all_heads("early") & world.anchored(2)


def test_all_streams_are_anchored_again_now_and_then(world: World) -> None:
    world.run()
    world.append("backdated", NOON - timedelta(days=400))
    world.now += FULL_AFTER - timedelta(milliseconds=1)
    world.run()
    assert not world.all_heads("backdated") & world.anchored(2)
    world.now += timedelta(milliseconds=1)
    world.run()
    assert world.anchored(3) == world.all_heads()
    world.now += FULL_AFTER - timedelta(milliseconds=1)
    assert world.run().heads == 0


def test_a_slice_ends_when_its_time_is_up_and_the_next_goes_on(world: World) -> None:
    slices = [world.run(NOW)]
    while not slices[-1].complete:
        world.now += timedelta(minutes=1)
        slices.append(world.run(NOW))
    assert [one.anchor for one in slices] == [1] * len(slices)
    assert len(slices) == 4
    assert world.anchored(1) == world.all_heads()
    anchor = decode_anchor(world.anchors.objects[anchor_name(1)])
    assert (anchor.began, anchor.ended) == (timestamp(NOON), timestamp(world.now))


def test_what_is_not_complete_is_no_anchor(world: World) -> None:
    world.run(NOW)
    assert world.anchors.names(ANCHORS) == []
    assert world.anchors.names(HEADS) == [part_name(1, 1)]


@dataclass
class Killed:
    """The objects, reached `calls` times: the next call, or its answer, does not arrive."""

    objects: InMemoryAnchors
    calls: int
    answer: bool

    def reach(self, call: Callable[[], object]) -> object:
        self.calls -= 1
        if self.calls < 0 and not self.answer:
            raise Unavailable("killed before")
        done = call()
        if self.calls < 0:
            raise Unavailable("killed after")
        return done

    def names(self, prefix: str) -> list[str]:
        return self.reach(lambda: self.objects.names(prefix))  # type: ignore[return-value]

    def read(self, name: str) -> bytes:
        return self.reach(lambda: self.objects.read(name))  # type: ignore[return-value]

    def keep(self, name: str, stored: bytes) -> bool:
        return self.reach(lambda: self.objects.keep(name, stored))  # type: ignore[return-value]


@pytest.mark.parametrize("answer", [False, True], ids=["before", "after"])
def test_a_run_that_dies_at_any_call_is_continued(world: World, answer: bool) -> None:
    for calls in range(100):
        world.anchors.objects.clear()
        try:
            killed = Killed(world.anchors, calls, answer)
            Anchoring(world.events, killed, lambda: world.now).go_on(LONG)
        except Unavailable:
            assert world.run().complete
            assert world.anchored(1) == world.all_heads()
        else:
            break
    assert calls == len(world.anchors.objects) + 2


@pytest.mark.parametrize("meanwhile", range(1, 5))
def test_of_two_runs_at_once_each_object_is_written_by_one(world: World, meanwhile: int) -> None:
    """The other run comes in between this one's look and its put, and later commits with it."""
    other, rival = Anchoring(world.events, world.anchors, lambda: world.now), meanwhile

    @dataclass
    class Overtaken(InMemoryAnchors):
        def keep(self, name: str, stored: bytes) -> bool:
            nonlocal rival
            rival -= 1
            if rival == 0:
                world.now += timedelta(seconds=1)
                world.append("sum-0")
                world.append("sum-6")
                other.go_on(LONG)
            return super().keep(name, stored)

    done = Anchoring(world.events, Overtaken(world.anchors.objects), lambda: world.now).go_on(LONG)
    assert done.overtaken is (meanwhile <= 3)
    while not world.run().complete:
        pass
    numbers = [anchor_number(name) or 0 for name in world.anchors.names(ANCHORS)]
    assert numbers == list(range(1, len(numbers) + 1))
    together = set().union(*map(world.anchored, numbers))
    assert world.all_heads() <= together


def test_what_is_no_commit_is_not_anchored(world: World) -> None:
    head = world.heads["sum-1"]
    world.events.append(msgspec.structs.replace(head, commit=2, commit_id="x", hash="", at="z"))
    world.run()
    assert {stream for stream, _, _ in world.anchored(1)} == world.heads.keys() - {"sum-1"}


def test_nothing_is_anchored_upon_what_is_no_anchor(world: World) -> None:
    world.anchors.keep(anchor_name(1), b"{}")
    with pytest.raises(NoAnchor):
        world.run()
    assert world.anchors.names("") == [anchor_name(1)]


HEADER = Part(anchor=1, part=1, began=timestamp(NOON), since="", heads=1, prev=GENESIS, cursor=None)
ANCHOR = Anchor(
    anchor=1,
    began=timestamp(NOON),
    ended=timestamp(NOON),
    since="",
    full=timestamp(NOON),
    parts=1,
    heads=1,
    prev=GENESIS,
    last=GENESIS,
)


def test_what_is_encoded_is_decoded() -> None:
    heads = [("sum-é\n", 7, "a" * 64)]
    assert decode_part(encode_part(HEADER, heads)) == (HEADER, heads)
    assert encode_part(HEADER, heads) == encode_part(HEADER, heads)
    assert decode_anchor(encode_anchor(ANCHOR)) == ANCHOR
    assert anchor_number(anchor_name(42)) == 42
    assert part_number(part_name(42, 3)) == (42, 3)
    assert anchor_number("anchors/1.json") is part_number("heads/readme") is None


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\x1f\x8b",
        gzip.compress(b""),
        gzip.compress(b"{}"),
        gzip.compress(msgspec.json.encode(HEADER) + b'\n["sum-1",1,"abc"]'),
        gzip.compress(msgspec.json.encode(HEADER) + b"\n\xff"),
        encode_part(HEADER, [])[:-4],
        encode_part(HEADER, []) + b"more",
        gzip.compress(b" " * (64 * 1024 * 1024 + 1)),
    ],
    ids=range(9),
)
def test_what_is_no_part_says_so(stored: bytes) -> None:
    with pytest.raises(NoAnchor):
        decode_part(stored)


@pytest.mark.parametrize(
    "changes", [{"began": "today"}, {"parts": 0}, {"prev": "x"}, {"heads": -1}, {"more": 1}]
)
def test_what_is_no_anchor_says_so(changes: dict[str, object]) -> None:
    told = msgspec.to_builtins(ANCHOR) | changes
    with pytest.raises(NoAnchor):
        decode_anchor(msgspec.json.encode(told))
    with pytest.raises(NoAnchor):
        decode_anchor(b"\xff")
