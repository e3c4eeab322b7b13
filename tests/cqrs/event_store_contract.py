"""What every event store promises. Subclass it and give the fixture `store`."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import msgspec
import pytest

from reference_service.cqrs.commit import STORED_LIMIT_BYTES, Commit, CommitTooLarge, sealed
from reference_service.cqrs.store import Appended, Conflict, EventStore, Head, History
from tests.cqrs.toy import chain, extended


@pytest.fixture
def stream() -> str:
    return f"sum-{uuid4()}"


class EventStoreContract:
    def test_a_stream_without_commits_is_empty(self, store: EventStore, stream: str) -> None:
        assert store.load(stream) == []

    def test_what_is_loaded_is_what_was_appended(self, store: EventStore, stream: str) -> None:
        commits = chain(stream, 3)
        for commit in commits:
            assert store.append(commit) == Appended()
        assert store.load(stream) == commits
        assert store.load(stream, after=1) == commits[1:]
        assert store.load(stream, after=3) == []

    def test_commits_are_ordered_by_number_not_by_text(
        self, store: EventStore, stream: str
    ) -> None:
        commits = chain(stream, 11)
        for commit in commits:
            store.append(commit)
        assert [commit.commit for commit in store.load(stream)] == list(range(1, 12))

    def test_a_taken_number_is_a_conflict_that_shows_the_winner(
        self, store: EventStore, stream: str
    ) -> None:
        first = extended(None, stream, 1, commit_id="first")
        store.append(first)
        second = extended(None, stream, 2, commit_id="second")
        assert store.append(second) == Conflict(first)
        assert store.load(stream) == [first]

    def test_the_same_commit_again_is_appended_once(self, store: EventStore, stream: str) -> None:
        commit = extended(None, stream)
        assert store.append(commit) == Appended()
        assert store.append(commit) == Appended()
        assert store.load(stream) == [commit]

    def test_only_one_of_many_racing_appends_wins(self, store: EventStore, stream: str) -> None:
        rivals = [extended(None, stream, n, commit_id=f"rival-{n}") for n in range(8)]
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(store.append, rivals))
        winners = [rival for rival, one in zip(rivals, outcomes, strict=True) if one == Appended()]
        assert len(winners) == 1
        assert outcomes.count(Conflict(winners[0])) == 7
        assert store.load(stream) == winners

    def test_a_commit_at_the_stored_limit_is_refused_and_below_it_kept(
        self, store: EventStore, stream: str
    ) -> None:
        room = STORED_LIMIT_BYTES - 1_000
        fits = extended(None, stream, body="x" * room)
        assert store.append(fits) == Appended()
        assert store.load(stream) == [fits]
        too_large = sealed(msgspec.structs.replace(fits, commit=2, body="é" * (room // 2 + 500)))
        with pytest.raises(CommitTooLarge):
            store.append(too_large)
        assert store.load(stream) == [fits]

    def test_many_pages_are_loaded_as_one_stream(self, store: EventStore, stream: str) -> None:
        """A page of DynamoDB holds 1 MB."""
        commits = [extended(None, stream, body="x" * 300_000)]
        while len(commits) < 5:
            commits.append(extended(commits[-1], stream, body="y" * 300_000))
        for commit in commits:
            store.append(commit)
        assert store.load(stream) == commits

    def test_heads_come_once_each_whatever_the_page(self, store: EventStore) -> None:
        run = uuid4()
        expected = {}
        for length in range(1, 6):
            commits = chain(f"heads-{run}-{length}", length)
            for commit in commits:
                store.append(commit)
            last = commits[-1]
            expected[last.stream] = Head(last.stream, last.commit, last.hash, last.at)
        for limit in (1, 2, 3, 100):
            found: list[Head] = []
            cursor, pages = None, 0
            while (pages == 0 or cursor) and pages < 500:
                heads, cursor = store.heads(cursor, limit)
                assert len(heads) <= limit
                found += heads
                pages += 1
            assert cursor is None
            ours = [head for head in found if head.stream in expected]
            assert sorted(ours, key=lambda head: head.stream) == [
                head for _, head in sorted(expected.items())
            ]

    def test_histories_come_whole_and_once_each_however_they_are_cut(
        self, store: EventStore
    ) -> None:
        """Three commits of this size do not fit in a page of DynamoDB."""
        run, expected = uuid4(), dict[str, list[Commit]]()
        for number in range(1, 6):
            stream = f"histories-{run}-{number}"
            commits = [extended(None, stream, body="x" * 300_000)]
            while len(commits) < number:
                commits.append(extended(commits[-1], stream, body="y" * 300_000))
            expected[stream] = commits
            for commit in commits:
                store.append(commit)
        for segments in (1, 3):
            found: list[History] = []
            for segment in range(segments):
                cursor: str | None = None
                while True:
                    page, cursor = store.histories(cursor, segment=segment, segments=segments)
                    found += page
                    if cursor is None:
                        break
            ours = [one for one in found if one.stream in expected]
            assert sorted(ours, key=lambda one: one.stream) == [
                History(stream, commits) for stream, commits in sorted(expected.items())
            ]

    def test_a_consistent_pass_holds_what_was_just_acknowledged(
        self, store: EventStore, stream: str
    ) -> None:
        for commit in chain(stream, 3):
            store.append(commit)
            found: list[Head] = []
            cursor, pages = None, 0
            while pages == 0 or cursor:
                heads, cursor = store.heads(cursor, 100, consistent=True)
                found += heads
                pages += 1
            assert Head(stream, commit.commit, commit.hash, commit.at) in found
