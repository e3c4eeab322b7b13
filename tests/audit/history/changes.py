"""Changes of a history: small ones of any kind, and ones that nothing can explain any more."""

from collections.abc import Callable, Sequence
from random import Random

from msgspec.structs import replace

from bitacora.audit.history import Append, Operation, Read, Seen, Stored

History = list[Operation]


def changed(random: Random, operations: Sequence[Operation]) -> History:
    """One to three small changes, which may or may not make it impossible."""
    history = list(operations)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if history:
            index = random.randrange(len(history))
            history[index : index + 1] = _one(random, history[index], history)
    return history


def _one(random: Random, operation: Operation, history: History) -> History:
    """What stands in the place of an operation."""
    which = random.choice(
        ["none", "version", "moved", "outcome", "expected", "command", "client", "strong", "count"]
    )
    match which, operation:
        case "none", _:
            return []
        case "version", Append(outcome="ok") | Read(outcome="ok") | Seen():
            return [replace(operation, version=max(1, operation.version + random.choice([-1, 1])))]
        case "moved", Append() | Read():
            invoked = random.uniform(0, 12)
            later = invoked + random.uniform(0, 3)
            return [replace(operation, invoked=invoked, returned=later)]
        case "outcome", Append(outcome="ok"):
            told = random.choice([None, operation.version])
            return [
                random.choice(
                    [
                        replace(operation, outcome="unknown", version=None, count=None),
                        replace(operation, outcome="failed", version=None, count=None),
                        replace(
                            operation, outcome="failed", reason="conflict", version=told, count=None
                        ),
                    ]
                )
            ]
        case "expected", Append():
            return [replace(operation, expected=random.choice([None, 0, 1, 2, 3, 4]))]
        case "command", Append():
            others = [each.command for each in history if isinstance(each, Append)]
            return [replace(operation, command=random.choice(others))]
        case "command", Stored():
            return [replace(operation, command=None)]
        case "client", Append() | Read():
            return [replace(operation, client="c0")]
        case "strong", Read():
            return [replace(operation, consistency="strong")]
        case "count", Append(outcome="ok") | Stored():
            return [replace(operation, count=max(1, operation.count + random.choice([-1, 1])))]
    return [operation]


def _answered(history: History) -> list[Append]:
    return [each for each in history if isinstance(each, Append) and each.outcome == "ok"]


def _instead(history: History, old: Operation, new: Operation) -> History:
    return [new if each is old else each for each in history]


def two_appends_swap_their_versions(random: Random, history: History) -> History | None:
    pairs = [
        (one, other)
        for one in _answered(history)
        for other in _answered(history)
        if one.returned < other.invoked and one.version < other.version
        if one.command != other.command
    ]
    if not pairs:
        return None
    one, other = random.choice(pairs)
    told = replace(one, version=other.version, count=other.count, expected=None)
    swapped = _instead(history, one, told)
    return _instead(
        swapped, other, replace(other, version=one.version, count=one.count, expected=None)
    )


def a_strong_read_misses_an_answered_append(random: Random, history: History) -> History | None:
    if not _answered(history):
        return None
    append = random.choice(_answered(history))
    read = Read(
        client="late",
        stream="s",
        invoked=append.returned + 0.01,
        returned=append.returned + 0.02,
        outcome="ok",
        version=append.version - append.count,
        consistency="strong",
    )
    return [*history, read]


def another_command_is_told_the_same_version(random: Random, history: History) -> History | None:
    if not _answered(history):
        return None
    append = random.choice(_answered(history))
    return [*history, replace(append, command="another")]


def an_acknowledged_commit_is_lost(random: Random, history: History) -> History | None:
    commands = {each.command for each in _answered(history)}
    held = [each for each in history if isinstance(each, Stored) and each.command in commands]
    if len(held) < 2:
        return None
    lost = random.choice(held)
    return [each for each in history if each is not lost]


def a_commit_comes_from_nowhere(random: Random, history: History) -> History | None:
    last = max((each for each in history if isinstance(each, Stored)), default=None, key=_end)
    if last is None:
        return None
    commit = Stored(stream="s", commit=last.commit + 1, first=_end(last), count=1, command="new")
    return [*history, commit]


def _end(commit: Stored) -> int:
    return commit.first + commit.count


def a_read_is_older_than_its_token(random: Random, history: History) -> History | None:
    reads = [each for each in history if isinstance(each, Read) and each.outcome == "ok"]
    if not reads:
        return None
    read = random.choice(reads)
    return _instead(history, read, replace(read, token=read.version + 1))


def a_client_reads_backwards(random: Random, history: History) -> History | None:
    reads = [each for each in history if isinstance(each, Read) and each.outcome == "ok"]
    eventual = [each for each in reads if each.consistency == "eventual" and each.version > 0]
    if not eventual:
        return None
    read = random.choice(eventual)
    then = read.returned + 0.01
    return [*history, replace(read, invoked=then, returned=then, version=0, token=None)]


def a_consumer_lags_at_the_end(random: Random, history: History) -> History | None:
    heads = [each for each in history if isinstance(each, Seen) and each.event is None]
    if not heads:
        return None
    head = random.choice(heads)
    return _instead(history, head, replace(head, version=head.version - 1))


def a_consumer_holds_an_event_twice(random: Random, history: History) -> History | None:
    events = [each for each in history if isinstance(each, Seen) and each.event is not None]
    return [*history, replace(random.choice(events), event="again")] if events else None


def a_consumer_lacks_an_event(random: Random, history: History) -> History | None:
    events = [each for each in history if isinstance(each, Seen) and each.event is not None]
    if len(events) < 2:  # who shows nothing at all was not looked at
        return None
    lost = random.choice(events)
    return [each for each in history if each is not lost]


def a_repeat_is_told_otherwise(random: Random, history: History) -> History | None:
    if not _answered(history):
        return None
    append = random.choice(_answered(history))
    return [*history, replace(append, version=append.version + 1)]


def a_command_is_done_on_another_version(random: Random, history: History) -> History | None:
    attempts = [each.command for each in history if isinstance(each, Append)]
    once = [each for each in _answered(history) if attempts.count(each.command) == 1]
    if not once:
        return None
    append = random.choice(once)
    return _instead(history, append, replace(append, expected=append.version))


IMPOSSIBLE: list[Callable[[Random, History], History | None]] = [
    two_appends_swap_their_versions,
    a_strong_read_misses_an_answered_append,
    another_command_is_told_the_same_version,
    an_acknowledged_commit_is_lost,
    a_commit_comes_from_nowhere,
    a_read_is_older_than_its_token,
    a_client_reads_backwards,
    a_consumer_lags_at_the_end,
    a_consumer_holds_an_event_twice,
    a_consumer_lacks_an_event,
    a_repeat_is_told_otherwise,
    a_command_is_done_on_another_version,
]
