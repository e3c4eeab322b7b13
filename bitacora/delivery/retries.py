"""What an invocation's answer means, and what follows.

Rules: AWS Lambda developer guide, services-kinesis-batchfailurereporting and
services-ddb-batchfailurereporting (success, failure, lowest sequence number, bisecting at it),
kinesis-on-failure-destination and services-dynamodb-errors (throttling and other trouble before the
invocation consume no attempt; «splitting batches doesn't consume the retry quota»).
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from bitacora.delivery.mapping import Mapping
from bitacora.delivery.records import Record

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True)
class Work:
    """Records to deliver together. `attempts` counts failed tries of these records, `invocations`
    every invocation, `pauses` consecutive waits; `faulted` says that a fault on demand met it."""

    records: tuple[Record, ...]
    attempts: int = 0
    invocations: int = 0
    pauses: int = 0
    faulted: bool = False


@dataclass(frozen=True)
class Returned:
    """The function answered. `payload` is its JSON."""

    payload: bytes


@dataclass(frozen=True)
class FunctionFailed:
    """The function raised, timed out or could not start."""

    reason: str


@dataclass(frozen=True)
class NotInvoked:
    """No answer can be had: throttled, connection lost, answer lost."""

    reason: str
    throttled: bool = False


Answer = Returned | FunctionFailed | NotInvoked


@dataclass(frozen=True)
class Step:
    """What follows: records done, work to try next (in order), work to discard.
    `pause` asks for a wait before the next try; `failure` says why the answer was no success."""

    done: tuple[Record, ...] = ()
    retry: tuple[Work, ...] = ()
    discard: Work | None = None
    pause: bool = False
    failure: str = ""


def after(work: Work, answer: Answer, mapping: Mapping) -> Step:
    """The step that follows an answer."""
    if isinstance(answer, NotInvoked):
        again = replace(work, pauses=work.pauses + 1)
        return Step(retry=(again,), pause=True, failure=answer.reason)
    tried = replace(work, invocations=work.invocations + 1)
    if isinstance(answer, FunctionFailed):
        return _failed(tried, answer.reason, mapping)
    first, reason = (
        first_failed(work.records, answer.payload)
        if mapping.reports_item_failures
        else (len(work.records), "")
    )
    if first is None:
        return _failed(tried, reason, mapping)
    done, rest = tried.records[:first], tried.records[first:]
    if not rest:
        return Step(done=done)
    remaining = replace(tried, records=rest, pauses=0 if done else tried.pauses)
    reason = f"item failure reported from {rest[0].sequence}"
    if mapping.bisect and done:
        # Bisected at the returned sequence number: a split, which consumes no attempt.
        return Step(done=done, retry=(remaining,), failure=reason)
    return replace(_again(remaining, mapping), done=done, failure=reason)


def first_failed(records: tuple[Record, ...], payload: bytes) -> tuple[int | None, str]:
    """Index of the first failed record (their number when none failed) and a reason.

    None means that the whole batch failed: an identifier that is empty, absent or of no record of
    the batch, or an answer that is no batch response at all.
    """
    try:
        answer: Any = json.loads(payload) if payload else None
    except ValueError:
        return None, "the answer is no JSON"
    if answer is None or answer in ("", {}):
        return len(records), ""
    if not isinstance(answer, dict):
        return None, f"the answer is no batch response: {str(answer)[:100]!r}"
    failures = answer.get("batchItemFailures")
    if failures is None:
        return len(records), ""
    if not isinstance(failures, list):
        return None, "batchItemFailures is no list"
    positions = {record.sequence: index for index, record in enumerate(records)}
    first = len(records)
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in positions:
            return None, f"batchItemFailures names no record of the batch: {failure!r}"
        first = min(first, positions[identifier])
    return first, ""


def _failed(work: Work, reason: str, mapping: Mapping) -> Step:
    if mapping.bisect and len(work.records) > 1:
        middle = (len(work.records) + 1) // 2
        halves = (
            replace(work, records=work.records[:middle]),
            replace(work, records=work.records[middle:]),
        )
        return Step(retry=halves, failure=reason)
    return replace(_again(work, mapping), failure=reason)


def _again(work: Work, mapping: Mapping) -> Step:
    """Try again, or discard once the first try and all retries are used up."""
    failed = replace(work, attempts=work.attempts + 1, pauses=work.pauses + 1)
    if mapping.max_attempts is not None and failed.attempts > mapping.max_attempts:
        return Step(discard=failed)
    return Step(retry=(failed,), pause=True)


def split_by_age(work: Work, max_age_s: int | None, now: float) -> tuple[Work | None, Work | None]:
    """(too old, still to deliver) at epoch second `now`. Raises nothing; either may be None."""
    if max_age_s is None:
        return None, work
    old = tuple(r for r in work.records if now - r.arrived > max_age_s)
    live = tuple(r for r in work.records if now - r.arrived <= max_age_s)
    return (
        replace(work, records=old) if old else None,
        replace(work, records=live) if live else None,
    )


def pause_s(pauses: int, chance: float) -> float:
    """Exponential and bounded, the second half of it jitter; `chance` is in [0, 1)."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(max(pauses - 1, 0), 20))
    return longest * (0.5 + chance / 2)
