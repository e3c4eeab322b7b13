"""Can the steps of a stream have happened in the order of their versions, as the clock has it?

Versions are told, so the order of the steps is known, and what is left to find is a moment for each
of them: T1 <= T2 <= …, each between a lower bound (an attempt was invoked) and an upper one (an
answer, or a read that already saw the version). The latest moments that the upper bounds allow are
found in one sweep from the end; a solution exists if and only if they are not below the lower
bounds. That is what makes this linear after sorting, where deciding linearizability is NP-complete
in general (Gibbons and Korach, "Testing Shared Memories", SIAM J. Comput. 26(4), 1997).

A conflict that tells only that the version was not e means: the step to e came after the conflict
was invoked, or the step from e before it returned. In terms of the latest moments: if the step to e
can't be that late, the step from e has to be that early. So each such conflict may lower one bound
once, until none does; the latest moments remain a solution (solutions are closed under maximum).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from msgspec import Struct

from bitacora.audit.history.commands import Step, at_odds
from bitacora.audit.history.findings import Kind
from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import Append, Operation, Read, Stored
from bitacora.audit.history.piece import Tell


class Deadlines(Struct, gc=False):
    """By step: the latest moment `at`, and the operation `by` that sets it.

    `because` has for a conflict that set one what kept the step to its version from being later.
    `leaves` is the moment by which the stream must have left its last step, set by `leaver`.
    """

    at: list[float]
    by: list[Append | Read | None]
    because: dict[int, Append | Read | None]
    leaves: float = inf
    leaver: Append | None = None


def deadlines(steps: Sequence[Step], observed: Observed, conflicts: Sequence[Append]) -> Deadlines:
    """The latest moments, of steps in the order of their versions."""
    reached = observed.reached
    at: list[float] = [inf] * len(steps)
    by: list[Append | Read | None] = [None] * len(steps)
    latest: float = inf
    setter: Append | Read | None = None
    for index in range(len(steps) - 1, -1, -1):
        step = steps[index]
        answered = step.answered
        if answered is not None and answered.returned < latest:
            latest, setter = answered.returned, answered
        read = reached.get(step.end)
        if read is not None and read.returned < latest:
            latest, setter = read.returned, read
        at[index] = latest
        by[index] = setter
    found = Deadlines(at, by, {})
    if conflicts:
        _lower(found, steps, conflicts)
    return found


def _lower(found: Deadlines, steps: Sequence[Step], conflicts: Sequence[Append]) -> None:
    """Applies the conflicts that told no version. Each lowers one bound at most once."""
    leaving = {step.start: index for index, step in enumerate(steps)}
    leaving[steps[-1].end if steps else 0] = len(steps)
    # From the end: a bound that one lowers mostly concerns those before it.
    waiting = sorted(
        ((leaving[each.expected], each) for each in conflicts if each.expected in leaving),
        key=lambda each: (-each[0], each[1].returned),
    )
    changed = True
    while changed:
        changed = False
        for index, conflict in waiting:
            if index and not found.at[index - 1] < conflict.invoked:
                continue
            latest = found.leaves if index == len(steps) else found.at[index]
            if not conflict.returned < latest:
                continue
            changed = True
            found.because[id(conflict)] = found.by[index - 1] if index else None
            if index == len(steps):
                found.leaves, found.leaver = conflict.returned, conflict
                index -= 1
            while index >= 0 and found.at[index] > conflict.returned:
                found.at[index], found.by[index] = conflict.returned, conflict
                index -= 1


def hold_against(
    found: Deadlines, steps: Sequence[Step], left: Mapping[int, Append | Read], tell: Tell
) -> None:
    """Tells of each step that must have come before a deadline and can't have."""
    told: set[int] = set()
    for index, step in enumerate(steps):
        latest, early = found.at[index], found.by[index]
        began, refused, read = step.began, step.refused, left.get(step.start)
        if began is not None and began.invoked > latest:
            _blame(began, early, step, found, told, tell)
        if refused:
            _refused_before(step, index, found, tell)
        if read is not None and read.invoked > latest:
            strong = isinstance(read, Read)
            kind: Kind = "stale-strong-read" if strong else "unexplained-conflict"
            tell(kind, _order(early, read), (*_reasons(found, early), early, read))
    read = left.get(steps[-1].end if steps else 0)
    if read is not None and read.invoked > found.leaves:
        leaver = found.leaver
        tell("unexplained-conflict", _order(leaver, read), (*_reasons(found, leaver), leaver, read))


def _refused_before(step: Step, index: int, found: Deadlines, tell: Tell) -> None:
    """A command's own conflicts came before its effect."""
    arrived, latest = found.at[index - 1] if index else -inf, found.at[index]
    for each in step.refused:
        if each.invoked > latest or (each.version is not None and each.version > step.start):
            detail = f"{each.command} was done at version {step.end} before {each.invoked:g} s."
            early = found.by[index] if each.invoked > latest else None
            tell("changed-answer", detail, (*_reasons(found, early), early, step.by, each))
        elif at_odds(each, step.start, arrived):
            detail = f"It expected version {each.expected}, from which it was appended later."
            tell(
                "unexplained-conflict",
                detail,
                (found.by[index - 1] if index else None, step.by, each),
            )


def _blame(
    late: Append,
    early: Append | Read | None,
    step: Step,
    found: Deadlines,
    told: set[int],
    tell: Tell,
) -> None:
    """One finding for each operation that came too early, however many steps came after it."""
    if early is None or id(early) in told:
        return
    told.add(id(early))
    kind: Kind = "out-of-order"
    if isinstance(early, Read):
        kind = "read-of-the-future"
    elif early.outcome == "failed":
        kind = "unexplained-conflict"
    elif early.command == late.command:
        kind = "changed-answer"
    detail = f"{_order(early, late)} That one wrote version {step.end}."
    shown = step.by if isinstance(step.by, Stored) else None
    tell(kind, detail, (*_reasons(found, early), early, late, shown))


def _reasons(found: Deadlines, early: Operation | None) -> Iterable[Operation | None]:
    """What a deadline that a conflict set depends on, the first cause first."""
    reasons: list[Operation] = []
    while early is not None and id(early) in found.because:
        early = found.because[id(early)]
        if early is None or early in reasons:
            break
        reasons.insert(0, early)
    return reasons


def _order(early: Append | Read | None, late: Append | Read) -> str:
    if early is None:
        return ""
    told = "A conflict" if early.version is None else f"Version {early.version}"
    return (
        f"{told} was told by {early.returned:g} s, before {late.client} began at"
        f" {late.invoked:g} s."
    )
