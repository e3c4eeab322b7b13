"""The steps of a stream in the order of their versions, with the holes between them."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from bitacora.audit.history.commands import Step
from bitacora.audit.history.operations import Append, Operation
from bitacora.audit.history.piece import Tell

END = attrgetter("end")


def lay_out(
    steps: Sequence[Step], marks: Mapping[int, Operation], stored: bool, tell: Tell
) -> list[Step]:
    """`marks` are versions that the stream stood at, by who tells so.

    A hole that the event store itself has is told where its numbers are held against each other,
    so here it is as good as written.
    """
    ends = {step.end for step in steps}
    between = sorted(version for version in marks if version not in ends and version)
    laid: list[Step] = []
    at, position = 0, 0
    for step in sorted(steps, key=END):
        if step.start < at:
            _overlap(laid[-1], step, tell)
            continue
        if step.start > at:
            first = position
            while position < len(between) and between[position] <= step.start:
                position += 1
            inner = [version for version in between[first:position] if version < step.start]
            for start, end in _pairs(at, [*inner, step.start]):
                laid.append(Step(start, end, marks.get(end, step.by), open=not stored))
            laid[-1].by = step.by
        while position < len(between) and between[position] < step.end:
            _torn(step, between[position], marks[between[position]], tell)
            position += 1
        laid.append(step)
        at = step.end
    for start, end in _pairs(at, between[position:]):
        laid.append(Step(start, end, marks[end], open=True))
    return laid


def _pairs(at: int, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    for end in ends:
        yield at, end
        at = end


def _overlap(before: Step, step: Step, tell: Tell) -> None:
    """Commits of the store that overlap are told of as its broken numbering."""
    if isinstance(before.by, Append) and isinstance(step.by, Append):
        version = min(before.end, step.end)
        detail = f"{before.by.command} and {step.by.command} both wrote version {version}."
        tell("same-version", detail, (before.by, step.by))


def _torn(step: Step, version: int, teller: Operation, tell: Tell) -> None:
    events = f"the events {step.start + 1} to {step.end} of one append"
    tell("torn-read", f"Version {version} lies within {events}.", (step.by, teller))
