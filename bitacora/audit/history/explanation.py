"""The steps of a stream held against the clock, and their holes against the unknown appends."""

from collections.abc import Sequence
from math import inf

from msgspec import Struct

from bitacora.audit.history.commands import Commands, Step
from bitacora.audit.history.findings import Kind, Promise
from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import Append, Read, Seen, Stored
from bitacora.audit.history.piece import Found, teller
from bitacora.audit.history.timeline import Deadlines, deadlines, hold_against
from bitacora.audit.history.unknowns import Gap, fill


class Explained(Struct, gc=False):
    """`steps` are those that can have been, told of or not."""

    steps: Sequence[Step]
    found: list[Found]
    undecided: list[tuple[Promise, str]]


def explain(
    steps: Sequence[Step], observed: Observed, commands: Commands, stored: bool
) -> Explained:
    """Steps in the order of their versions; `stored` when they are all that the store holds.

    A conflict that told no version may have met one between the events of a hole, where two unknown
    appends and not one filled it. If it is what makes a history impossible, that is undecided.
    """
    every = commands.conflicts
    explained = _with(every, steps, observed, commands, stored)
    if not explained.found or not every or len(commands.unanswered) < 2:
        return explained
    wide = {step.start for step in steps if step.open and step.end - step.start > 1}
    certain = [each for each in every if each.expected not in wide]
    if len(certain) == len(every):
        return explained
    without = _with(certain, steps, observed, commands, stored)
    if not without.found:
        conflict = next(each for each in every if each.expected in wide)
        met = f"whether {conflict.client} met a conflict at {conflict.invoked:g} s"
        without.undecided.append(("linearizable", f"{met}, as it told no version"))
    return without


def _with(
    conflicts: Sequence[Append],
    steps: Sequence[Step],
    observed: Observed,
    commands: Commands,
    stored: bool,
) -> Explained:
    explained = Explained(steps, [], [])
    tell = teller(explained.found)
    latest = deadlines(steps, observed, conflicts)
    hold_against(latest, steps, observed.left, tell)
    gaps = _gaps(steps, latest)
    if not gaps:
        return explained
    # A stream ends where the store says, so there only its own commits may be by unknown appends.
    filled = fill(
        [each for each in gaps if not stored or isinstance(each[0].by, Stored)],
        commands.unanswered,
    )
    if filled.doubtful:
        text = "which attempt of a command that expected several versions took effect"
        explained.undecided.append(("versions", text))
        return explained
    empty = filled.empty
    if stored:
        empty += [step for step, _, _ in gaps if not isinstance(step.by, Stored)]
    before = {step.end: step.by for step in steps}
    for step in empty:
        if not isinstance(step.by, Seen):  # told of with everything downstream
            kind, detail = _unwritten(step)
            tell(kind, detail, (before.get(step.start), step.by))
    missing = {id(step) for step in empty}
    explained.steps = [step for step in steps if id(step) not in missing]
    return explained


def _gaps(steps: Sequence[Step], latest: Deadlines) -> list[Gap]:
    """The steps that nobody is known to have made."""
    gaps = [
        (step, latest.at[index - 1] if index else -inf, latest.at[index])
        for index, step in enumerate(steps)
        if step.open
    ]
    if latest.leaves < inf:
        end, arrived = (steps[-1].end, latest.at[-1]) if steps else (0, -inf)
        gaps.append((Step(end, end + 1, latest.leaver, open=True), arrived, latest.leaves))
    return gaps


def _unwritten(step: Step) -> tuple[Kind, str]:
    """A step that no append can have written is told of by what shows it."""
    match step.by:
        case Append(outcome="ok"):
            versions = f"version {step.end}"
            if step.end - step.start > 1:
                versions = f"versions {step.start + 1} to {step.end}"
            return "gap", f"No append can have written {versions}, on which it stands."
        case Append(version=None) as conflict:
            detail = f"It expected version {conflict.expected}, which the stream had not left."
            return "unexplained-conflict", detail
        case Stored() as commit:
            return "invented-commit", f"No append can have written commit {commit.commit}."
        case Read() | Append() as told:
            detail = f"{told.client} was told version {told.version}"
            return "phantom-version", f"{detail}, which nobody can have written."
    raise AssertionError(step)
