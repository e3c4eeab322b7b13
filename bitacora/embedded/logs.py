"""What functions logged, from the emulator's CloudWatch Logs."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from operator import itemgetter

from botocore.exceptions import BotoCoreError

from bitacora.embedded.environment import Environment
from bitacora.embedded.problem import Problem, UsageProblem

FOLLOW_INTERVAL_S = 1.0
Line = tuple[int, str, str]  # time in ms, function key, message; the emulator gives no event ids

# A late line may carry an earlier time than one already shown.
OVERLAP_MS = 5_000


def chosen(environment: Environment, function: str | None) -> dict[str, str]:
    """Key -> log group of one function, or of all. Raises UsageProblem for an unknown key."""
    names: Mapping[str, str] = environment.outputs["functions"]
    if function is not None and function not in names:
        raise UsageProblem(f"There is no function {function!r}.", f"Functions: {_listed(names)}.")
    keys = [function] if function is not None else sorted(names)
    return {key: f"/aws/lambda/{names[key]}" for key in keys}


def lines(environment: Environment, groups: Mapping[str, str], *, follow: bool) -> Iterator[str]:
    """Lines by time; with `follow`, new ones as they come, without end."""
    shown: Counter[Line] = Counter()
    since_ms = 0
    width = max(map(len, groups))
    while True:
        found = Counter(
            line
            for key, group in groups.items()
            for line in _read(environment, key, group, since_ms)
        )
        # Stable: START, lines and END of an invocation carry the same millisecond.
        new = sorted((found - shown).elements(), key=itemgetter(0))
        for at_ms, key, message in new:
            at = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
            for text in message.rstrip().splitlines():
                yield f"{at} {key:<{width}} {text}"
        if not follow:
            return
        shown |= found
        if new:
            since_ms = max(since_ms, new[-1][0] - OVERLAP_MS)
        time.sleep(FOLLOW_INTERVAL_S)


def _read(environment: Environment, key: str, group: str, since_ms: int) -> Iterator[Line]:
    """Every page of one group's lines."""
    client = environment.client("logs")
    request = {"logGroupName": group, "startTime": since_ms}
    try:
        while True:
            page = client.filter_log_events(**request)
            for event in page["events"]:
                yield event["timestamp"], key, event["message"]
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]
    except client.exceptions.ResourceNotFoundException:
        return  # a function that never ran has no group yet
    except BotoCoreError as error:
        raise Problem(
            f"The logs cannot be read: {error}", "`bitacora status` tells why."
        ) from error


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(sorted(names))
