"""A resync of a target: slices of its operations function, one after the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bitacora.embedded.problem import Problem, UsageProblem
from bitacora.targets import Target, invoke, output
from reference_service.cqrs.resync import BadCursor, check

# Invocations in a row that may fail; each slice begins where the last one ended.
FAILURES = 5
PAUSE_S = 1.0
# What the clock of this machine may be before that of the functions.
AHEAD = timedelta(minutes=1)
SUMMED = ("streams", "commits", "concerned", "behind", "published")


@dataclass(frozen=True)
class So:
    """How far it is: sums over the slices, and where the next one begins (None: no more)."""

    cursor: str | None
    counts: dict[str, int]
    parked: list[str]


class Stopped(Problem):
    """The slices failed; `cursor` is where to go on."""

    def __init__(self, what: str, cursor: str | None) -> None:
        super().__init__(what)
        self.cursor = cursor


def moment(text: str, now: datetime) -> datetime:
    """An ISO 8601 time with its zone, not after `now`. Raises UsageProblem."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageProblem(
            f"--since {text!r} is no time: {error}.", "Write it like 2026-01-31T12:00:00Z."
        ) from error
    if found.tzinfo is None:
        raise UsageProblem(f"--since {text!r} says no zone.", f"For UTC write {text}Z.")
    if found > now + AHEAD:
        raise UsageProblem(f"--since {text!r} is in the future.")
    return found.astimezone(UTC)


def check_cursor(cursor: str) -> None:
    """Raises UsageProblem for what is no cursor."""
    try:
        check(cursor)
    except BadCursor as error:
        raise UsageProblem(
            f"--from: {error}.", "Take the one that an interrupted resync printed."
        ) from error


def resynced(target: Target, since: datetime, cursor: str | None, *, dry_run: bool) -> Iterator[So]:
    """One after each slice. Raises Stopped when slices fail again and again."""
    output(target, "functions")  # what is not there is told at once
    so = So(cursor, dict.fromkeys(SUMMED, 0), [])
    while True:
        event = {
            "operation": "resync",
            "since": since.isoformat(),
            "cursor": so.cursor,
            "dry_run": dry_run,
        }
        answer = _slice(target, event)
        counts = {name: so.counts[name] + answer[name] for name in SUMMED}
        so = So(answer["cursor"], counts, so.parked + answer["parked"])
        yield so
        if so.cursor is None:
            return


def commits(target: Target) -> int | None:
    """About how many there are; None when that can't be asked. Up to six hours old on AWS.

    Source: DescribeTable, ItemCount.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        table = target.client("dynamodb").describe_table(TableName=output(target, "events_table"))
    except (BotoCoreError, ClientError):
        return None
    return int(table["Table"]["ItemCount"])


def _slice(target: Target, event: dict[str, Any]) -> dict[str, Any]:
    for attempt in range(1, FAILURES + 1):
        try:
            answer: dict[str, Any] = invoke(target, "operations", event)
        except Problem as problem:
            if attempt == FAILURES:
                told = f"The resync stopped, {FAILURES} times in a row: {problem.what}"
                raise Stopped(told, event["cursor"]) from None
            time.sleep(PAUSE_S)
        else:
            return answer
    raise AssertionError("the last attempt returns or raises")
