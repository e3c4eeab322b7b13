"""The verdict of a load run: what customers were told, held against what the stores hold. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from bitacora.audit.consistency import Inconsistency, inconsistencies, public_ids
from bitacora.audit.observation import Observation


class Outcome(Enum):
    """The value is the exit code of the run."""

    HOLDS = 0
    VIOLATED = 1
    UNKNOWN = 2


@dataclass(frozen=True)
class Accepted:
    """What a customer was told: the command stands in this commit and made this version."""

    command_id: str
    stream: str
    commit: int
    version: int


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Every command of a run by what its customer knows of it; the sets hold command ids.

    An unanswered command may be in the store or not, but not twice. `from_events` are the ids of
    the commands that other services' events may have caused.
    """

    accepted: tuple[Accepted, ...]
    refused: frozenset[str]
    unanswered: frozenset[str]
    from_events: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    outcome: Outcome
    reason: str
    counts: dict[str, int]
    violations: tuple[Inconsistency, ...]


def judge(sent: Sent, seen: Observation, public: Collection[str]) -> Verdict:
    """`seen` is what concerns the run's orders; `public` the types of the public events."""
    violations = (*_commands(sent, seen), *inconsistencies(seen, public))
    if violations:
        outcome, reason = Outcome.VIOLATED, f"{len(violations)} violations"
    elif not sent.accepted:
        outcome, reason = Outcome.UNKNOWN, "no command was accepted: nothing was observed"
    else:
        outcome, reason = Outcome.HOLDS, "every accepted command once in the store and downstream"
    counts = _counts(sent, seen, public)
    return Verdict(outcome=outcome, reason=reason, counts=counts, violations=violations)


def unobserved(sent: Sent, reason: str) -> Verdict:
    """The stores could not be read: that proves nothing either way."""
    counts = {
        "commands accepted": len(sent.accepted),
        "commands unanswered": len(sent.unanswered),
    }
    return Verdict(outcome=Outcome.UNKNOWN, reason=reason, counts=counts, violations=())


def _commands(sent: Sent, seen: Observation) -> Iterator[Inconsistency]:
    stored = _stored(seen)
    for told in sent.accepted:
        found = stored.get(told.command_id, [])
        if not found:
            detail = f"told commit {told.commit}, the store has no commit of {told.command_id}"
            yield Inconsistency("missing", "event store", told.stream, detail)
        elif len(found) == 1 and found[0] != told:
            detail = f"told {told}, the store has {found[0]}"
            yield Inconsistency("broken", "event store", told.stream, detail)
    for command_id in sent.refused & stored.keys():
        stream = stored[command_id][0].stream
        detail = f"refused command {command_id} had an effect"
        yield Inconsistency("phantom", "event store", stream, detail)
    known = {told.command_id for told in sent.accepted}
    known |= sent.refused | sent.unanswered | sent.from_events
    for command_id, found in stored.items():
        if command_id not in known:
            detail = f"commit {found[0].commit} is of command {command_id} that nobody sent"
            yield Inconsistency("phantom", "event store", found[0].stream, detail)
        elif len({commit.stream for commit in found}) > 1:
            detail = f"command {command_id} stands in {len(found)} streams"
            yield Inconsistency("doubled", "event store", found[0].stream, detail)


def _stored(seen: Observation) -> dict[str, list[Accepted]]:
    """Command id -> its commits, in the form that a customer would have been told."""
    stored: defaultdict[str, list[Accepted]] = defaultdict(list)
    for stream, commits in seen.commits.items():
        for commit in commits:
            told = Accepted(commit.command_id, stream, commit.commit, commit.version)
            stored[commit.command_id].append(told)
    return stored


def _counts(sent: Sent, seen: Observation, public: Collection[str]) -> dict[str, int]:
    stored = _stored(seen)
    heads = {stream: commits[-1] for stream, commits in seen.commits.items()}
    return {
        "commands accepted": len(sent.accepted),
        "commands refused": len(sent.refused),
        "commands unanswered": len(sent.unanswered),
        "accepted in the store once": sum(
            len(stored.get(told.command_id, ())) == 1 for told in sent.accepted
        ),
        "orders in the store": len(heads),
        "orders visible at their last version": sum(
            head.version == seen.rows.get(stream, {}).get("version")
            for stream, head in heads.items()
        ),
        "public events called for": len(public_ids(seen, public)),
        "public events in the ledger": len(seen.ledger),
        "shipments dispatched": sum(
            found["status"] == "dispatched" for found in seen.shipments.values()
        ),
    }
