"""One stream's part of a history: is there an order of its operations that explains them all?"""

from collections.abc import Mapping, Sequence
from itertools import chain

from msgspec import Struct

from bitacora.audit.history.clients import hold_reads, hold_tokens
from bitacora.audit.history.commands import Step, commands
from bitacora.audit.history.downstream import hold_downstream
from bitacora.audit.history.explanation import explain
from bitacora.audit.history.findings import Promise
from bitacora.audit.history.layout import lay_out
from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import Operation, Read
from bitacora.audit.history.piece import Found, teller
from bitacora.audit.history.store import stored_steps


class Scope(Struct, gc=False):
    """What was looked at anywhere in the history, and so has to tell of every stream.

    `places` are the consumers, by whether they hold single events.
    """

    stored: bool
    places: Mapping[str, bool]


class Checked(Struct, gc=False):
    """`witnessed` are the promises of which something was observed."""

    found: list[Found]
    witnessed: set[Promise]
    undecided: list[tuple[Promise, str]]


def check_stream(
    observed: Observed, reads: Mapping[tuple[str, str], Sequence[Read]], scope: Scope
) -> Checked:
    """`reads` are those of each client and place that may have gone backwards."""
    checked = Checked([], _witnessed(observed), [])
    tell = teller(checked.found)
    found = commands(observed, tell)
    if found.done or observed.stored:
        checked.witnessed |= {"linearizable", "versions"}
    steps = stored_steps(observed, found, tell) if scope.stored else found.done
    marks = _marks(observed, steps, scope)
    laid = lay_out(steps, marks, scope.stored, tell)
    explained = explain(laid, observed, found, scope.stored)
    checked.found += explained.found
    checked.undecided += explained.undecided
    hold_tokens(observed, tell)
    for of_one in reads.values():
        hold_reads(of_one, tell)
    if scope.places:
        final = _final(observed, explained.steps, scope)
        hold_downstream(observed, final, scope.places, tell)
    return checked


def _witnessed(observed: Observed) -> set[Promise]:
    witnessed: set[Promise] = set()
    if observed.strong:
        witnessed.add("linearizable")
    if observed.repeated or any(each.command is not None for each in observed.stored):
        witnessed.add("commands")
    if observed.compared:
        witnessed.add("monotonic-reads")
    if observed.tokens:
        witnessed.add("read-your-writes")
    if observed.stored:
        witnessed.add("store")
    if observed.seen:
        witnessed.add("downstream")
    return witnessed


def _marks(observed: Observed, steps: Sequence[Step], scope: Scope) -> dict[int, Operation]:
    """Versions that the stream stood at, besides those of its steps.

    Where the store was not looked at, consumers may show what an unknown append has written: the
    versions that they stand at, and of the single events the last one.
    """
    marks: dict[int, Operation] = {**observed.left, **observed.reached}
    if observed.seen and not scope.stored:
        known = max(chain(marks, (step.end for step in steps)), default=0)
        heads = [each for each in observed.seen if each.event is None and each.version > known]
        events = [each for each in observed.seen if each.event is not None]
        last = max(events, key=lambda each: each.version, default=None)
        for each in heads if last is None else [*heads, last]:
            if each.version > known and (
                each.event is None or all(head.version < each.version for head in heads)
            ):
                marks.setdefault(each.version, each)
    return marks


def _final(
    observed: Observed, filled: Sequence[Step], scope: Scope
) -> tuple[int, Operation | None]:
    """The version at which the stream ended, and who tells so."""
    if scope.stored:
        last = max(observed.stored, key=lambda each: each.first + each.count, default=None)
        return (0, None) if last is None else (last.first + last.count - 1, last)
    return (filled[-1].end, filled[-1].by) if filled else (0, None)
