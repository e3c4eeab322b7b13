"""One scenario as plain data, so that it can cross from a test process to the one that reports."""

from collections.abc import Iterable, Mapping
from typing import Any

from features.harness.customers import UNKNOWN, Request
from features.harness.history import Exchange
from features.harness.witness import Witness
from reference_service.cqrs.commit import Commit

Told = dict[str, Any]
MOST_STRIKES = 200
VERBS = {"payments": "pays", "cancellation": "cancels", "orders": "places"}


def told(witness: Witness, verdict: str, reason: str) -> Told:
    """JSON: verdict and reason, steps, faults with their counts, what was observed, a timeline."""
    return {
        "verdict": verdict,
        "reason": reason,
        "steps": [
            {
                "keyword": step.keyword,
                "name": step.name,
                "seconds": round(step.seconds, 3),
                "status": step.status,
            }
            for step in witness.steps
        ],
        "faults": dict(witness.strikes()),
        "observed": dict(witness.observed),
        **witness.more,
    }


def timeline(
    witness: Witness, exchanges: Iterable[Exchange], stored: Mapping[str, Iterable[Commit]]
) -> Told | None:
    """The order that most was asked about: what was asked and told, stored, and what struck.

    Times are seconds since the scenario began. None when nothing was asked about an order.
    """
    by_stream: dict[str, list[Exchange]] = {}
    for each in exchanges:
        if each.order_id:
            by_stream.setdefault(f"order-{each.order_id}", []).append(each)
    if not by_stream:
        return None
    stream, asked = max(by_stream.items(), key=lambda one: len(one[1]))
    return {
        "stream": stream,
        "exchanges": [_exchange(each, witness.began) for each in asked],
        "commits": [
            {
                "at": round(witness.since_began(commit.at), 3),
                "commit": commit.commit,
                "version": commit.version,
                "actor": commit.actor,
            }
            for commit in stored.get(stream, ())
        ],
        "strikes": [
            {"at": round(moment - witness.began, 3), "fault": fault.name}
            for fault in witness.faults
            for moment in list(fault.moments)[:MOST_STRIKES]
        ],
    }


def _exchange(exchange: Exchange, began: float) -> Told:
    answer = exchange.answer
    body = answer.body if answer else {}
    return {
        "who": exchange.customer,
        "what": _what(exchange.request),
        "began": round(exchange.began - began, 3),
        "ended": round(exchange.ended - began, 3),
        "outcome": _outcome(exchange),
        "version": body.get("version"),
        "told": f"{answer.status} {body.get('type', '').rpartition(':')[2]}" if answer else "",
    }


def _what(request: Request | str) -> str:
    if isinstance(request, Request):
        return VERBS[request.path.rpartition("/")[2]]
    return "reads"


def _outcome(exchange: Exchange) -> str:
    """done, refused, "not yet" for what may be tried again, or unknown."""
    answer = exchange.answer
    if answer is None or answer.problem == UNKNOWN:
        return "unknown"
    if answer.status < 400:
        return "done"
    return "not yet" if answer.status >= 500 else "refused"
