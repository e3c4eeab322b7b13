"""Is a small history possible? Found by trying every order: slow, and too simple to be wrong.

It knows the rules as sentences about one order of all operations, and nothing of how the checker
comes to its answer. One stream, no consumers.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import inf

from bitacora.audit.history import Append, Operation, Read, Stored

Commits = tuple[tuple[str, int], ...]  # command and count


def possible(operations: Sequence[Operation]) -> bool:
    stored = [each for each in operations if isinstance(each, Stored)]
    if not (_numbered(stored) and _tokens_kept(operations) and _monotonic(operations)):
        return False
    timed = [each for each in operations if isinstance(each, Append | Read)]
    windows = {index: window for index, each in enumerate(timed) if (window := _window(each))}
    versions = [max(each.version or 0, getattr(each, "expected", 0) or 0) for each in timed]
    most = max([0, *versions, *(each.first + each.count for each in stored)])

    @cache
    def ordered(waiting: frozenset[int], now: float, commits: Commits) -> bool:
        if all(timed[each].outcome == "unknown" for each in waiting) and _same(commits, stored):
            return True
        for each in waiting:
            first, last = windows[each]
            moment = max(now, first)
            if moment > last:
                return False
            for after in _effects(timed[each], commits, most + 1):
                if ordered(waiting - {each}, moment, after):
                    return True
        return False

    return ordered(frozenset(windows), -inf, ())


def _window(operation: Append | Read) -> tuple[float, float] | None:
    """When it may have taken place; None when it did nothing and told nothing."""
    match operation:
        case Append(outcome="unknown"):
            return operation.invoked, inf
        case Append(outcome="ok") | Append(outcome="failed", reason="conflict"):
            return operation.invoked, operation.returned
        case Read(outcome="ok", consistency="strong"):
            return operation.invoked, operation.returned
        case Read(outcome="ok"):
            return -inf, operation.returned
    return None


def _effects(operation: Append | Read, commits: Commits, most: int) -> Iterator[Commits]:
    """What the stream may hold after the operation, given that its answer is the right one."""
    version = sum(count for _, count in commits)
    if isinstance(operation, Read):
        if operation.version == version:
            yield commits
        return
    done = [command for command, _ in commits]
    expects_this = operation.expected in (None, version)
    match operation.outcome:
        case "failed":
            told_right = operation.version in (None, version)
            if operation.command not in done and operation.expected != version and told_right:
                yield commits
        case "ok" if operation.command in done:
            position = done.index(operation.command) + 1
            then = sum(count for _, count in commits[:position])
            if (then, commits[position - 1][1]) == (operation.version, operation.count):
                yield commits
        case "ok":
            if expects_this and version + operation.count == operation.version:
                yield (*commits, (operation.command, operation.count))
        case "unknown":
            yield commits
            if operation.command not in done and expects_this:
                for count in range(1, most - version + 1):
                    yield (*commits, (operation.command, count))


def _same(commits: Commits, stored: Sequence[Stored]) -> bool:
    return not stored or (
        len(commits) == len(stored)
        and all(
            count == held.count and held.command in (None, command)
            for (command, count), held in zip(
                commits, sorted(stored, key=lambda each: each.commit), strict=True
            )
        )
    )


def _numbered(stored: Sequence[Stored]) -> bool:
    commits = sorted(stored, key=lambda each: each.commit)
    return all(
        (after.commit, after.first) == (before.commit + 1, before.first + before.count)
        for before, after in pairwise(commits)
    ) and (not commits or (commits[0].commit, commits[0].first) == (1, 1))


def _tokens_kept(operations: Sequence[Operation]) -> bool:
    return all(
        each.version >= each.token
        for each in operations
        if isinstance(each, Read) and each.outcome == "ok" and each.token is not None
    )


def _monotonic(operations: Sequence[Operation]) -> bool:
    reads = [
        each
        for each in operations
        if isinstance(each, Read) and each.outcome == "ok" and each.consistency == "eventual"
    ]
    return not any(
        (one.client, one.where) == (other.client, other.where)
        and one.returned < other.invoked
        and one.version > other.version
        for one in reads
        for other in reads
    )
