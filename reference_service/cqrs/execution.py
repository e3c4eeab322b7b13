"""Command execution: load, decide, append; done once, answered the same on every repeat."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from reference_service.cqrs.commit import Cause, Commit, CommitTooLarge, following, timestamp
from reference_service.cqrs.decider import Codec, Decider, fold_commits
from reference_service.cqrs.snapshot import Loaded, Snapshots
from reference_service.cqrs.store import Appended, Conflict, EventStore, Unknown

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")
R = TypeVar("R")

# A command that loses this many races after its first attempt gives up.
MAX_RELOADS = 5


@dataclass(frozen=True, kw_only=True)
class Request(Generic[C]):
    """`expected_version` is the version the caller decided upon, None when it does not matter."""

    stream: str
    command: C
    cause: Cause
    expected_version: int | None = None


@dataclass(frozen=True)
class Accepted(Generic[S]):
    """State, version and commit number right after the command; the same on every repeat."""

    state: S
    version: int
    commit: int


@dataclass(frozen=True)
class Refused(Generic[R]):
    """The domain says no; nothing was written and a repeat is decided again."""

    rejection: R


@dataclass(frozen=True)
class Stale:
    """The stream has moved on from the expected version to this one."""

    version: int


@dataclass(frozen=True)
class KeyReused:
    """The command id was used before for another command."""


@dataclass(frozen=True)
class TooLarge:
    """The commit would exceed what the store holds; nothing was sent."""

    size_bytes: int


@dataclass(frozen=True)
class Contended:
    """Every attempt lost its race; nothing was written."""

    attempts: int


@dataclass(frozen=True)
class OutcomeUnknown:
    """The append was not answered; repeating the command tells, and does it at most once."""

    reason: str


Outcome: TypeAlias = (
    Accepted[S] | Refused[R] | Stale | KeyReused | TooLarge | Contended | OutcomeUnknown
)


@dataclass(frozen=True)
class _Decided(Generic[S]):
    """A commit to be appended, and the state after it."""

    commit: Commit
    state: S


def execute(
    request: Request[C],
    store: EventStore,
    decider: Decider[C, S, E, R],
    codec: Codec[E],
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    snapshots: Snapshots[S] | None = None,
) -> Outcome[S, R]:
    """Do the command once. Snapshots change nothing of it but how much is loaded.

    Raises Unavailable when the stream can't be loaded (nothing was done), Undecodable when this
    deployment can't read it, InvalidEvent when what was decided breaks its contract.
    """
    stream, initial = request.stream, decider.initial()
    if snapshots:
        history = snapshots.load(stream, request.cause.command_id, store, initial)
    else:
        history = Loaded(initial, commits=store.load(stream))
    for attempt in range(1 + MAX_RELOADS):
        if attempt:
            history.commits += store.load(stream, after=history.last.commit if history.last else 0)
        decided = _decide(request, history, decider, codec, clock, new_id)
        if not isinstance(decided, _Decided):
            return decided
        commit = decided.commit
        match store.append(commit):
            case Appended():
                if snapshots:
                    snapshots.keep(history, commit, decided.state)
                return Accepted(decided.state, commit.version, commit.commit)
            case Unknown(reason):
                return OutcomeUnknown(reason)
            case Conflict():
                continue
    return Contended(1 + MAX_RELOADS)


def _decide(
    request: Request[C],
    history: Loaded[S],
    decider: Decider[C, S, E, R],
    codec: Codec[E],
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
) -> _Decided[S] | Outcome[S, R]:
    """One decision on one history: what is to be appended, or what there is to answer."""
    state = fold_commits(decider, codec, history.commits, history.state)
    # First of all, whether the caller may know of this stream: a 412 would tell that it exists.
    if (refusal := decider.admit(request.command, state)) is not None:
        return Refused(refusal)
    # A repeat comes before the precondition: the first attempt itself has moved the version on.
    if (first := _first_answer(request, history, decider, codec)) is not None:
        return first
    last = history.last
    version = last.version if last else 0
    if request.expected_version not in (None, version):
        return Stale(version)
    events = decider.decide(request.command, state)
    if not isinstance(events, list):
        return Refused(events)
    if not events:
        return Accepted(state, version, last.commit if last else 0)
    try:
        commit = following(
            last,
            stream=request.stream,
            cause=request.cause,
            body=codec.encode(events),
            count=len(events),
            at=timestamp(clock()),
            commit_id=new_id(),
        )
    except CommitTooLarge as fault:
        return TooLarge(fault.size_bytes)
    return _Decided(commit, decider.fold(state, events))


def _first_answer(
    request: Request[C],
    history: Loaded[S],
    decider: Decider[C, S, E, R],
    codec: Codec[E],
) -> Accepted[S] | KeyReused | None:
    """What the command was answered when it was done before."""
    for index, commit in enumerate(history.commits):
        if commit.command_id == request.cause.command_id:
            if commit.fingerprint != request.cause.fingerprint:
                return KeyReused()
            until_then = history.commits[: index + 1]
            state = fold_commits(decider, codec, until_then, history.state)
            return Accepted(state, commit.version, commit.commit)
    return None
