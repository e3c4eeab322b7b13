"""A toy domain, so that the machinery is tested without an order: numbers are added up."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.decider import Decider
from reference_service.schemas import Undecodable

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Add:
    """Each of `numbers` is an event; `caller` must be the stream's first, as its owner."""

    numbers: tuple[int, ...]
    caller: str = "ana"


@dataclass(frozen=True)
class Sum:
    total: int = 0
    owner: str | None = None


@dataclass(frozen=True)
class Unknown:
    """Not the caller's."""


@dataclass(frozen=True)
class Negative:
    total: int


@dataclass(frozen=True)
class Added:
    number: int
    owner: str


def admit(command: Add, state: Sum) -> Unknown | None:
    return Unknown() if state.owner not in (None, command.caller) else None


def decide(command: Add, state: Sum) -> list[Added] | Unknown | Negative:
    total = state.total + sum(command.numbers)
    if total < 0:
        return Negative(state.total)
    return [Added(number, command.caller) for number in command.numbers]


def evolve(state: Sum, event: Added) -> Sum:
    return Sum(state.total + event.number, state.owner or event.owner)


class NumberCodec:
    def encode(self, events: Sequence[Added]) -> str:
        return json.dumps([[event.number, event.owner] for event in events])

    def decode(self, body: str) -> list[Added]:
        try:
            return [Added(number, owner) for number, owner in json.loads(body)]
        except (ValueError, TypeError) as fault:
            raise Undecodable(str(fault)) from fault


class KeptSums:
    schema = "toy/1"

    def encode(self, state: Sum) -> str:
        return json.dumps([state.total, state.owner])

    def decode(self, text: str) -> Sum:
        try:
            total, owner = json.loads(text)
        except (ValueError, TypeError) as fault:
            raise Undecodable(str(fault)) from fault
        return Sum(total, owner)


ADDING: Decider[Add, Sum, Added, Unknown | Negative] = Decider(
    initial=Sum, admit=admit, decide=decide, evolve=evolve
)
CODEC = NumberCodec()


def cause(command_id: str = "command-1", fingerprint: str = "f") -> Cause:
    return Cause(
        command_id=command_id,
        fingerprint=fingerprint,
        actor="ana",
        causation="request-1",
        correlation="correlation-1",
    )


def extended(
    previous: Commit | None,
    stream: str,
    *numbers: int,
    body: str | None = None,
    command_id: str | None = None,
    commit_id: str | None = None,
) -> Commit:
    """The next commit of the stream, adding the numbers (7 without any)."""
    events = [Added(number, "ana") for number in numbers or (7,)]
    number = previous.commit + 1 if previous else 1
    return following(
        previous,
        stream=stream,
        cause=cause(command_id or f"{stream}-command-{number}"),
        body=CODEC.encode(events) if body is None else body,
        count=len(events),
        at="2026-01-01T12:00:00.000Z",
        commit_id=commit_id or f"{stream}-{number}",
    )


def chain(stream: str, length: int) -> list[Commit]:
    """Commits 1 … length; commit n adds n, and 10·n in a second event when n is even."""
    commits: list[Commit] = []
    for number in range(1, length + 1):
        numbers = (number, 10 * number) if number % 2 == 0 else (number,)
        commits.append(extended(commits[-1] if commits else None, stream, *numbers))
    return commits
