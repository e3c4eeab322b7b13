"""The relay never passes a stream that failed, and never forwards an alteration."""

from collections.abc import Callable, Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_service.cqrs.change import Change
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.relay import ENTRY_LIMIT_BYTES, Relay, decode_entry
from reference_service.cqrs.store import Unavailable
from tests.cqrs.toy import chain, extended

Entry = tuple[str, bytes]


class StrictLog:
    """As PutRecords: refuses entry by entry; `refuses(key, call number)` says which."""

    def __init__(self, refuses: Callable[[str, int], bool] = lambda _key, _call: False) -> None:
        self._refuses = refuses
        self.calls: list[list[str]] = []
        self.kept: dict[str, list[int]] = {}

    def put(self, entries: Sequence[Entry]) -> list[bool]:
        keys = [key for key, _ in entries]
        assert len(set(keys)) == len(keys), "two entries of a stream in a call may swap places"
        self.calls.append(keys)
        done = [not self._refuses(key, len(self.calls)) for key in keys]
        for (key, data), kept in zip(entries, done, strict=True):
            assert len(data) + len(key) <= 1024 * 1024
            numbers = [commit.commit for commit in decode_entry(data)]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            if kept:
                self.kept.setdefault(key, []).extend(numbers)
        return done


class Kept:
    """Evidence and markers; `down` makes both unavailable."""

    def __init__(self) -> None:
        self.evidence: list[str] = []
        self.markers: list[tuple[str, str, int, str]] = []
        self.down = False

    def keep(self, change: Change) -> None:
        self._check()
        self.evidence.append(change.id)

    def park(self, consumer: str, stream: str, commit: int, reason: str) -> None:
        self._check()
        self.markers.append((consumer, stream, commit, reason))

    def clear(self, consumer: str, stream: str, up_to: int) -> None:
        raise AssertionError("the relay clears no marker")

    def _check(self) -> None:
        if self.down:
            raise Unavailable("down")


def change(
    commit: Commit, kind: Literal["INSERT", "MODIFY", "REMOVE"] = "INSERT", fault: str | None = None
) -> Change:
    return Change(
        id=f"{commit.stream}/{commit.commit}/{kind}",
        kind=kind,
        stream=commit.stream,
        number=commit.commit,
        record=b"{}",
        commit=None if fault or kind != "INSERT" else commit,
        fault=fault,
    )


def relay(log: StrictLog, kept: Kept | None = None) -> Relay:
    kept = kept or Kept()
    return Relay(log, kept, kept)


A, B, C = (chain(name, 4) for name in "abc")


def test_consecutive_commits_of_a_stream_share_an_entry() -> None:
    log = StrictLog()
    mixed = [A[0], B[0], A[1], C[0], A[2], B[1]]
    done = relay(log).forward([change(commit) for commit in mixed])
    assert (done.failed, done.forwarded) == ([], 6)
    assert log.calls == [["a", "b", "c"]]
    assert log.kept == {"a": [1, 2, 3], "b": [1, 2], "c": [1]}


def test_commits_that_do_not_follow_each_other_go_in_later_calls() -> None:
    log = StrictLog()
    relay(log).forward([change(commit) for commit in (A[0], A[2], A[3], B[0])])
    assert log.calls == [["a", "b"], ["a"]]
    assert log.kept == {"a": [1, 3, 4], "b": [1]}


def test_an_entry_stays_below_the_limit_of_a_record() -> None:
    big = [extended(None, "big", body='"' * 250_000)]
    while len(big) < 4:
        big.append(extended(big[-1], "big", body='"' * 250_000))  # escaped: 500 kB each
    log = StrictLog()
    assert relay(log).forward([change(commit) for commit in big]).failed == []
    assert log.kept == {"big": [1, 2, 3, 4]}
    assert len(log.calls) == 4
    assert ENTRY_LIMIT_BYTES < 1024 * 1024


def test_a_failed_entry_holds_its_stream_and_no_other() -> None:
    log = StrictLog(lambda key, call: key == "a" and call == 1)
    batch = [change(commit) for commit in (A[0], B[0], A[2], B[2])]
    done = relay(log).forward(batch)
    assert done.failed == [batch[0], batch[2]]
    assert log.kept == {"b": [1, 3]}


@given(
    order=st.permutations([*A, *B, *C]),
    refused=st.sets(st.tuples(st.sampled_from("abc"), st.integers(1, 4))),
)
def test_no_commit_ever_passes_a_failed_one(
    order: Sequence[Commit], refused: set[tuple[str, int]]
) -> None:
    log = StrictLog(lambda key, call: (key, call) in refused)
    batch = [change(commit) for commit in order]
    failed = relay(log).forward(batch).failed
    for stream in "abc":
        missing = {one.number for one in failed if one.stream == stream}
        kept = log.kept.get(stream, [])
        assert sorted([*kept, *missing]) == [1, 2, 3, 4]
        assert kept == sorted(kept)
        assert not missing or not kept or max(kept) < min(missing)
    assert failed == [one for one in batch if one in failed]


@pytest.mark.parametrize("kind", ["MODIFY", "REMOVE"])
def test_an_alteration_is_never_forwarded_its_evidence_is_kept(
    kind: Literal["MODIFY", "REMOVE"],
) -> None:
    log, kept = StrictLog(), Kept()
    altered = change(A[0], kind)
    done = relay(log, kept).forward([altered, change(B[0])])
    assert (done.failed, done.alterations, done.forwarded) == ([], 1, 1)
    assert kept.evidence == [altered.id]
    assert log.kept == {"b": [1]}


def test_evidence_that_can_not_be_kept_fails_its_record_and_is_not_counted() -> None:
    log, kept = StrictLog(), Kept()
    kept.down = True
    batch = [change(A[0], "REMOVE"), change(B[0]), change(A[1])]
    done = relay(log, kept).forward(batch)
    assert done.failed == [batch[0], batch[2]]
    assert done.alterations == 0
    assert log.kept == {"b": [1]}


def test_an_unreadable_commit_parks_its_stream_and_delays_no_other() -> None:
    log, kept = StrictLog(), Kept()
    done = relay(log, kept).forward([change(A[0], fault="no hash"), change(B[0])])
    assert (done.failed, done.parked) == ([], 1)
    assert kept.markers == [("relay", "a", 1, "no hash")]
    assert log.kept == {"b": [1]}
