"""Which appends of unknown outcome can have written the versions that nobody was told to have?

A step whose writer is not known needs one command of its own: one is enough, for nobody knows how
many events it appended. A command with a precondition fits the one step that starts there, so
those go first and cost the others nothing. One without fits every step from some version on: it
must have been invoked before the step's deadline, and deadlines rise with versions. So, from the
first step to the last, any command that fits now fits later as well, and taking whichever fits
leaves no step without one that another choice would have served (Hall's condition on nested sets).
"""

from collections.abc import Sequence
from heapq import heappop, heappush

from msgspec import Struct

from bitacora.audit.history.commands import Step, Unanswered


class Filled(Struct, gc=False):
    """The steps that no command can have written; `doubtful` when another choice might help.

    That is so only where attempts of one command expected different versions.
    """

    empty: list[Step]
    doubtful: bool


Gap = tuple[Step, float, float]


def fill(gaps: Sequence[Gap], unanswered: Sequence[Unanswered]) -> Filled:
    """Steps in the order of versions, by when their start was reached, and their deadlines."""
    bound: dict[int, list[Unanswered]] = {}
    free: list[Unanswered] = []
    for command in unanswered:
        if None in command.began:
            free.append(command)
        else:
            for expected in command.began:
                bound.setdefault(expected or 0, []).append(command)
    # Those without a precondition wait for their moment, then for their version.
    late = sorted(((each.since(None), each) for each in free), key=lambda each: -each[0])
    low: list[tuple[int, int, Unanswered]] = []
    able: list[Unanswered] = []
    used: set[str] = set()
    empty: list[Step] = []
    for step, arrived, deadline in gaps:
        taken = next(
            (
                each
                for each in bound.get(step.start, ())
                if each.command not in used
                and each.since(step.start) <= deadline
                and each.fits(step.start, arrived)
            ),
            None,
        )
        if taken is None:
            while late and late[-1][0] <= deadline:
                command = late.pop()[1]
                heappush(low, (command.floor, len(late), command))
            while low and low[0][0] <= step.start:
                able.append(heappop(low)[2])
            taken = _take(able, step.start, arrived)
        if taken is None:
            empty.append(step)
        else:
            used.add(taken.command)
    several = any(len(each.began) > 1 for each in unanswered)
    return Filled(empty, bool(empty) and several)


def _take(able: list[Unanswered], start: int, arrived: float) -> Unanswered | None:
    """Passes over those alone whose own conflict expected this very version."""
    for index in range(len(able) - 1, -1, -1):
        if able[index].fits(start, arrived):
            return able.pop(index)
    return None
