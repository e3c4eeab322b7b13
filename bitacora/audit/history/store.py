"""The event store's content against what was answered: the steps of a stream as it holds them."""

from collections.abc import Iterable, Mapping, Sequence

from bitacora.audit.history.commands import Commands, Step, Unanswered, possible_start
from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import Append, Stored
from bitacora.audit.history.piece import Tell


def stored_steps(observed: Observed, found: Commands, tell: Tell) -> list[Step]:
    """Acknowledged appends that the store lacks are told of, and stand where they were told."""
    commits = sorted(observed.stored, key=lambda each: each.commit)
    _numbering(commits, tell)
    acknowledged = {step.by.command: step for step in found.done if isinstance(step.by, Append)}
    unanswered = {each.command: each for each in found.unanswered}
    nameless = any(commit.command is None for commit in commits)
    told_at = _by_versions(found.done, tell) if nameless else {}
    steps: list[Step] = []
    held: dict[str, Stored] = {}
    for commit in commits:
        command = commit.command
        if command is None:
            step = _anonymous(commit, told_at)
        elif command in held:
            detail = f"{command} stands in commits {held[command].commit} and {commit.commit}."
            tell("repeated-command", detail, (held[command], commit))
            continue
        else:
            held[command] = commit
            step = _named(commit, command, acknowledged, unanswered, observed, tell)
        steps.append(step)
    if unanswered:
        found.unanswered = [each for each in found.unanswered if each.command not in held]
    lost = [step for command, step in acknowledged.items() if command not in held]
    return steps + _lost(lost, commits, tell) if lost else steps


def _lost(steps: Iterable[Step], commits: Sequence[Stored], tell: Tell) -> list[Step]:
    """Those of the acknowledged that no commit can be; returns the ones that lie beyond the end."""
    held_at = {_versions(commit): commit for commit in commits}
    end = max((end for _, end in held_at), default=0)
    beyond = []
    for step in steps:
        there = held_at.get((step.start, step.end))
        if there is not None and there.command is None:
            continue
        detail = f"It was told version {step.end}, and the event store does not hold it."
        tell("lost-append", detail, (step.by, there))
        if step.start >= end:
            beyond.append(step)
    return beyond


def _by_versions(done: Iterable[Step], tell: Tell) -> dict[tuple[int, int], Step]:
    told_at: dict[tuple[int, int], Step] = {}
    for step in done:
        other = told_at.setdefault((step.start, step.end), step)
        if other is not step:
            tell("same-version", f"Two were told version {step.end}.", (other.by, step.by))
    return told_at


def _numbering(commits: Iterable[Stored], tell: Tell) -> None:
    before: Stored | None = None
    number, first = 1, 1
    for commit in commits:
        if commit.commit != number or commit.first != first:
            detail = (
                f"Commit {commit.commit} with first version {commit.first} stands where commit"
                f" {number} with first version {first} belongs."
            )
            tell("broken-store", detail, (before, commit))
        before = commit
        number, first = commit.commit + 1, commit.first + commit.count


def _anonymous(commit: Stored, told_at: Mapping[tuple[int, int], Step]) -> Step:
    """Known by its versions alone."""
    start, end = _versions(commit)
    told = told_at.get((start, end))
    if told is None:
        return Step(start, end, commit, open=True)
    return Step(start, end, commit, told.began, told.answered, told.refused)


def _named(
    commit: Stored,
    command: str,
    acknowledged: Mapping[str, Step],
    unanswered: Mapping[str, Unanswered],
    observed: Observed,
    tell: Tell,
) -> Step:
    start, end = _versions(commit)
    told = acknowledged.get(command)
    if told is not None:
        if told.start != start or told.end != end:
            detail = f"{command} was told version {told.end}, and stands at {end}."
            tell("moved-append", detail, (told.by, commit))
            return Step(start, end, commit)
        return Step(start, end, commit, told.began, told.answered, told.refused)
    asked = unanswered.get(command)
    if asked is None:
        attempt = observed.attempts.get(command)
        if attempt is None:
            tell("invented-commit", f"No append of {command} is in the history.", (commit,))
        elif attempt.outcome == "failed":
            tell("failed-append-stored", f"{command} was told to have failed.", (attempt, commit))
        return Step(start, end, commit)
    attempts = observed.repeated.get(command) or [observed.attempts[command]]
    began = possible_start(attempts, start)
    if began is None:
        able = [each for each in attempts if each.outcome == "unknown"]
        detail = f"It expected version {able[0].expected} and was appended to version {start}."
        tell("broken-precondition", detail, (*able, commit))
    return Step(start, end, commit, began, None, asked.refused)


def _versions(commit: Stored) -> tuple[int, int]:
    return commit.first - 1, commit.first - 1 + commit.count
