"""The commit: chained, never back in time, and its hash covers every field."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from reference_service.cqrs.commit import (
    GENESIS,
    STORED_LIMIT_BYTES,
    Commit,
    CommitTooLarge,
    digest,
    following,
    stored_size_bytes,
    timestamp,
)
from tests.cqrs.toy import cause, chain, extended


def test_the_first_commit_follows_genesis() -> None:
    first = extended(None, "sum-1", 1, 2)
    assert (first.commit, first.first, first.version, first.prev) == (1, 1, 2, GENESIS)
    assert first.hash == digest(first)


def test_each_commit_continues_numbers_versions_and_chain() -> None:
    first, second, third = chain("sum-1", 3)
    assert [first.commit, second.commit, third.commit] == [1, 2, 3]
    assert [first.first, second.first, third.first] == [1, 2, 4]
    assert (second.prev, third.prev) == (first.hash, second.hash)


def test_at_never_runs_backwards_in_a_stream() -> None:
    first = following(
        None, stream="s", cause=cause(), body="[]", count=1, at="2026-01-02", commit_id="a"
    )
    second = following(
        first, stream="s", cause=cause(), body="[]", count=1, at="2026-01-01", commit_id="b"
    )
    assert second.at == "2026-01-02"


@pytest.mark.parametrize("name", [n for n in Commit.__struct_fields__ if n != "hash"])
def test_a_change_of_any_field_changes_the_digest(name: str) -> None:
    commit = extended(None, "sum-1")
    value = getattr(commit, name)
    other = value + 1 if isinstance(value, int) else f"{value}x"
    changed = msgspec.structs.replace(commit, **{name: other})
    assert digest(changed) != digest(commit)


def test_text_moved_between_neighbouring_fields_changes_the_digest() -> None:
    commit = extended(None, "sum-1")
    one = msgspec.structs.replace(commit, actor="ab", causation="c")
    other = msgspec.structs.replace(commit, actor="a", causation="bc")
    assert digest(one) != digest(other)


def test_a_commit_that_dynamodb_would_refuse_is_never_made() -> None:
    base = stored_size_bytes(extended(None, "sum-1", body=""))
    assert extended(None, "sum-1", body="x" * (STORED_LIMIT_BYTES - base - 1))
    with pytest.raises(CommitTooLarge) as refused:
        extended(None, "sum-1", body="x" * (STORED_LIMIT_BYTES - base))
    assert refused.value.size_bytes == STORED_LIMIT_BYTES


def test_timestamps_are_utc_with_milliseconds_and_order_as_the_moments_do() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert timestamp(noon) == "2026-01-01T12:00:00.000Z"
    paris = noon.astimezone(timezone(timedelta(hours=1)))
    assert timestamp(paris) == timestamp(noon)
    assert timestamp(noon + timedelta(milliseconds=7)) == "2026-01-01T12:00:00.007Z"
