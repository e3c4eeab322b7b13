"""One stream in every store, compared: the event store is the truth. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from bitacora.audit import gates
from bitacora.audit.anchored_heads import AnchoredCommit, against
from bitacora.audit.chain import chain
from bitacora.audit.findings import Finding, Kind
from bitacora.audit.observation import ORDER
from bitacora.audit.orders import Fold, Orders
from bitacora.audit.source import Copies, Item, Shipment, Stored, View
from reference_service.aws.items import from_item
from reference_service.cqrs.commit import Commit
from reference_service.schemas import Undecodable

_EVENT_ID = re.compile(r".+/(?P<commit>\d+)/\d+")
_KINDS = {
    "S": {"stream", "commit_id", "command_id", "fingerprint", "actor", "causation"}
    | {"correlation", "traceparent", "at", "body"},
    "N": {"commit", "first", "count"},
    "B": {"prev", "hash"},
}
_KIND = {name: kind for kind, names in _KINDS.items() for name in names}
assert _KIND.keys() == set(Commit.__struct_fields__)


@dataclass(frozen=True)
class Clock:
    """`now` is UTC; a public event that is younger than `grace_s` seconds may be under way."""

    now: datetime
    grace_s: float

    def age_s(self, at: str) -> float:
        """Seconds since a commit's time; endless for what is no time."""
        try:
            return (self.now - datetime.fromisoformat(at).astimezone(UTC)).total_seconds()
        except ValueError:
            return float("inf")


@dataclass(frozen=True)
class Lag:
    """The read model has not applied a commit yet that was stored `waiting_s` seconds ago."""

    stream: str
    commit: int
    head: int
    waiting_s: float


# What is counted, in the order in which it is told.
COUNTED = (
    *("streams", "commits", "events", "read model rows", "rows behind their head"),
    *("statuses", "statuses behind"),
    *("ledger events", "public events under way", "shipments", "anchors", "anchored heads"),
)


@dataclass
class Look:
    """What was seen of one stream; the keys of `counts` are COUNTED."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lag: Lag | None = None


@dataclass(frozen=True)
class _History:
    commits: Sequence[Commit]
    stored: frozenset[int]
    fold: Fold


def look(
    orders: Orders,
    stored: Stored,
    view: View,
    status: View,
    copies: Copies,
    clock: Clock,
    anchored: Sequence[AnchoredCommit] = (),
    key: str | None = None,
) -> Look:
    """The stream in the event store and its anchors, its rows, its public events in the ledger.

    `key` is the id of the key that the customer has whose stream it is.
    """
    seen = Look()
    history = _history(orders, stored, seen)
    hashes = {commit.commit: commit.hash for commit in history.commits}
    every = {number: hashes.get(number) for number in history.stored}
    seen.findings += against(stored.stream, every, anchored)
    _read_models(stored.stream, history, view, status, clock, seen)
    _ledger(stored.stream, orders, history, copies, clock, seen)
    _erasures(stored.stream, history, key, clock, seen)
    return seen


def look_at_shipment(stream: str, shipment: Shipment | None, copies: Copies, clock: Clock) -> Look:
    """Fulfilment's answer in the ledger, held against fulfilment's own record."""
    seen = Look()
    event = shipment.event if shipment else None
    if shipment:
        seen.counts["shipments"] += 1
    called_for = {str(event["id"]): event} if event else {}
    for event_id, copy in sorted(copies.items()):
        seen.counts["ledger events"] += 1
        expected = called_for.get(event_id)
        if expected is None:
            detail = f"{_short(event_id)}: fulfilment has no such dispatch"
            seen.findings.append(Finding(stream, None, "invented-event", detail))
        elif different := _different(copy, expected):
            detail = f"{_short(event_id)}: {different}"
            seen.findings.append(Finding(stream, 1, "altered-event", detail))
    for event_id, expected in called_for.items():
        if event_id not in copies:
            _missing(stream, 1, event_id, clock.age_s(str(expected["time"])), clock, seen)
    return seen


def _history(orders: Orders, stored: Stored, seen: Look) -> _History:
    commits: list[Commit] = []
    unreadable: set[int] = set()
    for item in sorted(stored.items, key=_number):
        try:
            commits.append(from_item(item))
        except Undecodable:
            number = int(_number(item))
            unreadable.add(number)
            seen.findings.append(Finding(stored.stream, number, "no-commit", _why(item)))
            continue
        if extra := sorted(item.keys() - _KIND.keys()):
            detail = f"has attributes that no commit has: {', '.join(extra)}"
            seen.findings.append(
                Finding(stored.stream, commits[-1].commit, "altered-commit", detail)
            )
    seen.findings += chain(commits, unreadable)
    fold = orders.fold(stored.stream, commits)
    seen.findings += fold.findings
    seen.counts["streams"] += bool(stored.items)
    seen.counts["commits"] += len(stored.items)
    seen.counts["events"] += fold.events
    numbers = unreadable | {commit.commit for commit in commits}
    return _History(commits, frozenset(numbers), fold)


def _number(item: Item) -> Decimal:
    """The sort key: a number by the table's definition, though not always a whole one."""
    return Decimal(item["commit"]["N"])


def _why(item: Item) -> str:
    """Why an item is no commit, by its attributes' names and types alone."""
    if missing := sorted(_KIND.keys() - item.keys()):
        return f"lacks {', '.join(missing)}"
    wrong = sorted(name for name, kind in _KIND.items() if set(item[name]) != {kind})
    return f"of another type: {', '.join(wrong)}" if wrong else "a number that is not whole"


def _read_models(
    stream: str, history: _History, view: View, status: View, clock: Clock, seen: Look
) -> None:
    hashes: dict[int, str | None] = dict.fromkeys(history.stored)
    hashes |= {commit.commit: commit.hash for commit in history.commits}
    rows = history.fold.rows
    seen.findings += gates.against(stream, hashes, rows, view)
    seen.findings += gates.against(
        stream, hashes, gates.status_rows(rows), status, "order_status: "
    )
    seen.counts["read model rows"] += view.row is not None
    seen.counts["statuses"] += status.row is not None
    if not stream.startswith(ORDER):
        return  # nothing of it is shown; how late a heartbeat is, each read tells
    at = view.gate.commit if view.gate else 0
    waiting = [commit.at for commit in history.commits if commit.commit > at]
    head = max(history.stored, default=0)
    if waiting:
        seen.counts["rows behind their head"] += 1
        seen.lag = Lag(stream, at, head, clock.age_s(waiting[0]))
    seen.counts["statuses behind"] += head > (status.gate.commit if status.gate else 0)


def _ledger(
    stream: str, orders: Orders, history: _History, copies: Copies, clock: Clock, seen: Look
) -> None:
    called_for = history.fold.public
    for event_id, copy in sorted(copies.items()):
        seen.counts["ledger events"] += 1
        match = _EVENT_ID.fullmatch(event_id)
        number = int(match["commit"]) if match else None
        if event_id in called_for:
            told = called_for[event_id]
            if different := _different(copy, orders.cloud_event(told, _version(copy))):
                _add(seen, stream, number, "altered-event", f"{_short(event_id)}: {different}")
        elif number not in history.stored:
            _add(seen, stream, number, "invented-event", f"{_short(event_id)}: no such commit")
        elif number in history.fold.rows:
            _add(
                seen,
                stream,
                number,
                "invented-event",
                f"{_short(event_id)}: its commit tells of none",
            )
    for event_id, told in called_for.items():
        if event_id not in copies:
            age_s = clock.age_s(told.commit.at)
            _missing(stream, told.commit.commit, event_id, age_s, clock, seen)


def _erasures(stream: str, history: _History, key: str | None, clock: Clock, seen: Look) -> None:
    at = {commit.commit: commit.at for commit in history.commits}
    for number, destroyed in history.fold.destroyed.items():
        if destroyed == key and clock.age_s(at[number]) > clock.grace_s:
            _add(seen, stream, number, "unfinished-erasure", f"the key {key} is still there")


def _missing(
    stream: str, commit: int, event_id: str, age_s: float, clock: Clock, seen: Look
) -> None:
    if age_s <= clock.grace_s:
        seen.counts["public events under way"] += 1
    else:
        _add(seen, stream, commit, "missing-event", f"{_short(event_id)}: not in the ledger")


def _add(seen: Look, stream: str, commit: int | None, kind: Kind, detail: str) -> None:
    seen.findings.append(Finding(stream, commit, kind, detail))


def _short(event_id: str) -> str:
    """The event's place in its stream: "event 3/1" is of commit 3, the second."""
    _, _, place = event_id.partition("/")
    return f"event {place}"


def _version(copy: bytes) -> int:
    """The version of its contract that a public event names, or 0."""
    event = _decoded(copy)
    *_, version = str(event.get("dataschema", "")).rpartition(":v")
    return int(version) if re.fullmatch(r"[0-9]{1,6}", version) else 0


def _different(copy: bytes, expected: Mapping[str, Any]) -> str:
    """In which attributes the two differ; empty when they do not."""
    event = _decoded(copy)
    if not event:
        return "no JSON object"
    names = event.keys() | expected.keys()
    wrong = sorted(name for name in names if event.get(name) != expected.get(name))
    return f"differs in {', '.join(wrong)}" if wrong else ""


def _decoded(copy: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(copy)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return event if isinstance(event, dict) else {}
