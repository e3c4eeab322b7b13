"""The gate: how far a consumer has applied a stream, and what an arriving commit is to it."""

from collections.abc import Callable
from enum import Enum

import msgspec

from reference_service.cqrs.commit import GENESIS, Commit, digest


class Gate(msgspec.Struct, frozen=True):
    """Number and hash (64 hex digits) of the last commit applied."""

    commit: int
    hash: str


START = Gate(0, GENESIS)


class Arrival(Enum):
    SEEN = "seen"
    NEXT = "next"
    GAP = "gap"
    FORK = "fork"


def after(commit: Commit) -> Gate:
    return Gate(commit.commit, commit.hash)


def is_intact(commit: Commit) -> bool:
    """Whether its content is what its hash says."""
    return commit.hash == digest(commit)


def classify(gate: Gate, commit: Commit, intact: Callable[[Commit], bool] = is_intact) -> Arrival:
    """What the commit is to the gate: seen, next, beyond a gap, or of another history (a fork)."""
    if commit.commit < gate.commit:
        return Arrival.SEEN
    if commit.commit == gate.commit:
        return Arrival.SEEN if commit.hash == gate.hash else Arrival.FORK
    if commit.commit > gate.commit + 1:
        return Arrival.GAP
    # A content that is not its own hash would poison the chain from here on.
    if commit.prev != gate.hash or not intact(commit):
        return Arrival.FORK
    return Arrival.NEXT
