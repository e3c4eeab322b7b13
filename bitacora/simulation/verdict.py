"""Whether a history holds: what customers were told, and what every store says in the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import msgspec

from bitacora.audit.consistency import inconsistencies
from bitacora.audit.gates import against, status_rows
from bitacora.audit.history import Operation, Seen, Stored, check
from bitacora.audit.orders import Fold, Orders
from bitacora.audit.source import View
from bitacora.simulation.observed import History, named
from bitacora.simulation.service import schemas, topology
from reference_service.cqrs.commit import Commit

Verdict: TypeAlias = Literal["holds", "violated", "unknown"]


@dataclass(frozen=True)
class Finding:
    """`kind` is what is wrong in a word or two, `subject` a stream or an event."""

    kind: str
    subject: str
    detail: str


def findings(history: History) -> list[Finding]:
    """Everything that is wrong with the end of a history and with what was answered on the way."""
    folds = {
        stream: _orders().fold(stream, commits) for stream, commits in history.seen.commits.items()
    }
    return [
        *_stores(history),
        *_read_models(history, folds),
        *_ledger(history, folds),
        *(Finding("left", "", one) for one in history.left),
        *_told(history, folds),
    ]


@cache
def _orders() -> Orders:
    return Orders(schemas())


@cache
def _public() -> frozenset[str]:
    return frozenset(kind for kind in topology() if kind != "ShipmentDispatched")


def _stores(history: History) -> Iterator[Finding]:
    for one in inconsistencies(history.seen, _public()):
        yield Finding(one.kind, one.subject, f"{one.where}: {one.detail}")


def _read_models(history: History, folds: Mapping[str, Fold]) -> Iterator[Finding]:
    """Every column of both read models, by the audit's own rules; and that both are at the end."""
    seen = history.seen
    for stream, commits in seen.commits.items():
        stored = {commit.commit: commit.hash for commit in commits}
        rows = folds[stream].rows
        view = View(seen.gates.get(stream), seen.rows.get(stream))
        status = history.statuses.get(stream, View())
        for found in (
            *against(stream, stored, rows, view, "order_summary: "),
            *against(stream, stored, status_rows(rows), _without_at(status), "order_status: "),
        ):
            yield Finding(found.kind, stream, found.detail)
        if status.gate is None or status.gate.commit < commits[-1].commit:
            yield Finding("invisible", stream, "order_status is not at the last commit")


def _ledger(history: History, folds: Mapping[str, Fold]) -> Iterator[Finding]:
    """Public events that say something else than their commits call for."""
    for folded in folds.values():
        for event_id, told in folded.public.items():
            for copy in history.seen.ledger.get(event_id, ()):
                found = msgspec.json.decode(copy)
                *_, version = found["dataschema"].rpartition(":v")
                if found != _orders().cloud_event(told, int(version)):
                    detail = "ledger: it is not what its commit says"
                    yield Finding("altered-event", event_id, detail)


def _without_at(view: View) -> View:
    """The time of a status stands beside its gate, and is compared as `updated_at`."""
    if view.row is None:
        return view
    shown = {name: value for name, value in view.row.items() if value is not None}
    return View(view.gate, {"at": view.row["updated_at"], **shown}, view.parked)


def _told(history: History, folds: Mapping[str, Fold]) -> Iterator[Finding]:
    """What clients were told, by the history checker."""
    report = check(_operations(history, folds))
    for one in report.findings:
        yield Finding(one.kind, one.stream, one.detail)
    for undecided in report.undecided:
        yield Finding("undecided", "", undecided)


def _operations(history: History, folds: Mapping[str, Fold]) -> Iterator[Operation]:
    """What clients saw, then what every store holds in the end."""
    yield from history.operations
    seen = history.seen
    for stream, commits in seen.commits.items():
        public: dict[int, list[int]] = {}
        for told in folds[stream].public.values():
            of_commit = public.setdefault(told.commit.commit, [])
            of_commit.append(told.commit.first + told.index)
        for commit in commits:
            yield Stored(
                stream=stream,
                commit=commit.commit,
                first=commit.first,
                count=commit.count,
                command=named(commit.command_id, commit.fingerprint),
                published=tuple(public.get(commit.commit, ())),
            )
    for stream, row in seen.rows.items():
        yield Seen(where="orders", stream=stream, version=row["version"])
    for stream, view in history.statuses.items():
        if view.row:
            yield Seen(where="order_status", stream=stream, version=view.row["version"])
    for event_id in seen.ledger:
        stream, number, index = event_id.rsplit("/", 2)
        source = _numbered(seen.commits.get(stream, ()), int(number))
        if source:  # what is about no commit is told by the consistency of the stores
            version = source.first + int(index)
            yield Seen(where="ledger", stream=stream, version=version, event=event_id)


def _numbered(commits: Sequence[Commit], number: int) -> Commit | None:
    return next((commit for commit in commits if commit.commit == number), None)
