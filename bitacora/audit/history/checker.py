"""From operations to a report: each stream by itself, in about linear time."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from bitacora.audit.history.clients import suspicious_reads
from bitacora.audit.history.findings import PROMISED, PROMISES, Finding, Promise
from bitacora.audit.history.malformed import Contradictory, Malformed
from bitacora.audit.history.observed import Observed, observe
from bitacora.audit.history.operations import Operation, Seen
from bitacora.audit.history.piece import Found
from bitacora.audit.history.report import Report, Verdict
from bitacora.audit.history.stream import Scope, check_stream


def check(operations: Iterable[Operation], expect: Collection[Promise] = ()) -> Report:
    """Whether what was observed is possible; `expect` names promises that must be observed.

    Raises Malformed, with its place counted from 1, for an operation that can't be.
    """
    history = operations if isinstance(operations, list) else list(operations)
    try:
        streams = observe(history)
    except Contradictory as wrong:
        line = _places(history, [wrong.operation])[id(wrong.operation)]
        raise Malformed(wrong.what, wrong.remedy, line) from None
    scope = _scope(history, streams)
    reads = suspicious_reads(history, streams)
    found: list[tuple[str, Found]] = []
    witnessed: set[Promise] = set()
    undecided: list[tuple[Promise, str]] = []
    for stream, observed in streams.items():
        checked = check_stream(observed, reads.get(stream, {}), scope)
        found += [(stream, each) for each in checked.found]
        witnessed |= checked.witnessed
        undecided += [(promise, f"{stream}: {text}") for promise, text in checked.undecided]
    findings = _with_lines(history, found)
    promises = _verdicts(findings, witnessed, {promise for promise, _ in undecided})
    return Report(
        verdict=_overall(promises, witnessed | set(expect)),
        promises=promises,
        findings=findings,
        undecided=tuple(text for _, text in undecided),
        counts={"operations": len(history), "streams": len(streams)},
    )


def _scope(history: Sequence[Operation], streams: Mapping[str, Observed]) -> Scope:
    stored = any(observed.stored for observed in streams.values())
    shown = {
        (each.where, each.event is not None)
        for observed in streams.values()
        for each in observed.seen
    }
    places = dict(shown)
    if len(places) < len(shown):
        _refuse_both(history, places)
    return Scope(stored, places)


def _refuse_both(history: Sequence[Operation], places: Mapping[str, bool]) -> None:
    for line, each in enumerate(history, 1):
        if isinstance(each, Seen) and places[each.where] is not (each.event is not None):
            raise Malformed(
                f"{each.where} shows single events in some lines and versions in others.",
                'Give all "seen" lines of a place an event, or none.',
                line,
            )


def _with_lines(
    history: Sequence[Operation], found: Sequence[tuple[str, Found]]
) -> tuple[Finding, ...]:
    """In the order of their last lines: what went wrong first stands first."""
    places = _places(history, [each for _, one in found for each in one.operations])
    findings = []
    for stream, one in found:
        piece = sorted(one.operations, key=lambda each: places[id(each)])
        lines = tuple(places[id(each)] for each in piece)
        findings.append(Finding(one.kind, stream, one.detail, lines, tuple(piece)))
    return tuple(sorted(findings, key=lambda finding: (finding.lines[-1:], finding.lines)))


def _places(history: Sequence[Operation], wanted: Iterable[Operation]) -> dict[int, int]:
    """By id, and only of what is told: to keep a million numbers costs more than a search."""
    ids = {id(each) for each in wanted}
    if not ids:
        return {}
    return {id(each): line for line, each in enumerate(history, 1) if id(each) in ids}


def _verdicts(
    findings: Sequence[Finding], witnessed: set[Promise], undecided: set[Promise]
) -> dict[Promise, Verdict]:
    violated = {PROMISED[finding.kind] for finding in findings}
    return {
        promise: "violated"
        if promise in violated
        else "holds"
        if promise in witnessed and promise not in undecided
        else "unknown"
        for promise in PROMISES
    }


def _overall(promises: Mapping[Promise, Verdict], required: Collection[Promise]) -> Verdict:
    if "violated" in promises.values():
        return "violated"
    verdicts = {promises[promise] for promise in required}
    return "holds" if verdicts == {"holds"} else "unknown"
