"""A history in words: what is wrong, what led there, and what happened one call after another."""

import re
from collections.abc import Iterator
from typing import Any

from bitacora.simulation.campaign import Failure
from bitacora.simulation.cloud.calls import LATE_S, OUTAGES_S
from bitacora.simulation.decisions import Choice
from bitacora.simulation.faults import Fault
from bitacora.simulation.plan import Step
from bitacora.simulation.service import SKEWS_MS
from bitacora.simulation.shrink import Case

_ORDER = re.compile(r"\b(order|shipment)-0{8}-0000-8000-8000-0*(\d+)|\b0{8}-0000-8000-8000-0*(\d+)")
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}
TURNS = {"turn": "call", "next": "pause"}
# A history that was not shrunk well is cut here.
LINES = 200

Row = tuple[str, ...]


def findings(failure: Failure) -> list[Row]:
    """(kind, subject, detail)"""
    return [(one.kind, short(one.subject), short(one.detail)) for one in failure.findings]


def shrunk(failure: Failure) -> str:
    before, case = failure.before, failure.case
    return (
        f"Shrunk from {len(before.plan.steps)} steps, {before.faults} faults and {before.turns} "
        f"turns to {len(case.plan.steps)}, {case.faults} and {case.turns}:"
    )


def causes(case: Case) -> list[Row]:
    """(who, what): every step of a device, and everything that did not go its quiet way."""
    return [
        *(
            (f"device-{step.device + 1}, step {step.number}", _step(step))
            for step in case.plan.steps
        ),
        *_settings(case),
        *((choice.who, _choice(choice, chosen)) for choice, chosen in case.choices.items()),
    ]


def trace(failure: Failure) -> list[Row]:
    """(time, who, call, outcome)"""
    told: list[Row] = [
        (f"{one.at_ms / 1000:.3f} s", one.who, short(one.what), short(one.outcome))
        for one in failure.trace[:LINES]
    ]
    if len(failure.trace) > LINES:
        told.append(("", "", f"… and {len(failure.trace) - LINES} more", ""))
    return told


def short(text: str) -> str:
    """Orders by their number in the history, not by their id."""
    return _ORDER.sub(lambda found: f"{found[1] or 'order'} {found[2] or found[3]}", text)


def _step(step: Step) -> str:
    expecting = ", expecting the version that it knows" if step.expects else ""
    expecting += "" if step.persists else ", once if nothing was done"
    order = f"order {step.order + 1}"
    match step.verb:
        case "pay":
            return f"pays {step.amount} for {order} under the key {step.key}{expecting}"
        case "place":
            return f"places {order} under the key {step.key}"
        case "cancel":
            return f"cancels {order} under the key {step.key}{expecting}"
        case "read":
            return f"reads {order} from the event store"
        case "await":
            return f"reads {order} when its own version is there"
        case "look":
            return f"looks at the status of {order}"


def _settings(case: Case) -> Iterator[Row]:
    for after_s in case.plan.reconciles:
        yield "operations", f"compares heads with gates after {after_s} s"
    if case.plan.snapshots:
        yield "command", f"takes a snapshot every {case.plan.snapshots} commits"
    if case.plan.shards > 1:
        yield "log", f"has {case.plan.shards} shards"


def _choice(choice: Choice, chosen: Any) -> str:
    if isinstance(chosen, Fault):
        # Faults of a call are counted by calls, the others by their own occasions.
        occasion = "call" if choice.what == "fault" else "occasion"
        return f"{chosen.value} at its {_th(choice.number)} {occasion}"
    match choice.what:
        case "turn" | "next":
            return f"at its {_th(choice.number)} {TURNS[choice.what]}, {chosen} goes on"
        case "outage":
            return f"its {_th(choice.number)} outage lasts {OUTAGES_S[chosen]} s"
        case "done before the outage":
            return f"the call that met its {_th(choice.number)} outage was done"
        case "late":
            return f"its {_th(choice.number)} late effect comes after {LATE_S[chosen]} s"
        case "skew":
            return f"its {_th(choice.number)} clock is wrong by {SKEWS_MS[chosen] / 1000} s"
        case other:
            return f"{other}: {chosen}"


def _th(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else _ORDINALS.get(number % 10, "th")
    return f"{number}{ending}"
