"""Whether the commits of a stream follow each other as they were written. Pure."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import count

from bitacora.audit.findings import Finding, Kind
from reference_service.cqrs.commit import GENESIS, Commit, digest

# What cqrs.commit.timestamp writes; texts of this form order as the moments do.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def chain(commits: Sequence[Commit], unreadable: Collection[int] = ()) -> Iterator[Finding]:
    """Every break in the commits of one stream, ascending by number.

    `unreadable` are the numbers of items that are no commits: they leave no gap, and what stands
    after one of them is not held against it.
    """
    previous: Commit | None = None
    commands: dict[str, int] = {}
    for found in commits:
        yield from _itself(found)
        if previous and found.at < previous.at:
            yield _of(found, "wrong-time", f"{found.at}, the commit before {previous.at}")
        expected = previous.commit + 1 if previous else 1
        if found.commit == expected:
            yield from _link(previous, found)
        elif gap := _gap(found, expected, unreadable):
            yield gap
        first = commands.setdefault(found.command_id, found.commit)
        if first != found.commit:
            yield _of(found, "repeated-command", f"its command stands in commit {first} already")
        previous = found


def _itself(found: Commit) -> Iterator[Finding]:
    if found.hash != digest(found):
        yield _of(found, "altered-commit", "its content does not have its hash")
    if not _TIME.fullmatch(found.at):
        yield _of(found, "wrong-time", "its time is not UTC with milliseconds")


def _link(previous: Commit | None, found: Commit) -> Iterator[Finding]:
    """What is wrong between two neighbours, or at the first commit."""
    version, prev = (previous.version, previous.hash) if previous else (0, GENESIS)
    if found.first != version + 1:
        detail = f"begins with version {found.first}, {version + 1} is next"
        yield _of(found, "wrong-version", detail)
    if found.prev != prev:
        before = f"commit {previous.commit}'s hash" if previous else "that of a first commit"
        yield _of(found, "broken-chain", f"its prev is not {before}")


def _gap(found: Commit, expected: int, unreadable: Collection[int]) -> Finding | None:
    if found.commit < expected:
        return _of(found, "gap", f"numbered {found.commit} where {expected} is next")
    passed = sum(expected <= number < found.commit for number in unreadable)
    missing = found.commit - expected - passed
    if not missing:
        return None
    first = next(number for number in count(expected) if number not in unreadable)
    detail = f"{missing} missing before commit {found.commit}"
    return Finding(found.stream, first, "gap", detail)


def _of(commit: Commit, kind: Kind, detail: str) -> Finding:
    return Finding(commit.stream, commit.commit, kind, detail)
