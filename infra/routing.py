"""Where public events and requests are led: infra/routing.json and contracts/http_api.json.

Both say what contracts/ says; the first is generated from it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROUTING = HERE / "routing.json"
HTTP_API = HERE.parent / "contracts" / "http_api.json"


@dataclass(frozen=True)
class Rule:
    """The rule of one public event: EventBridge's pattern, and the topic and queues it feeds."""

    event: str
    pattern: Mapping[str, Any]
    targets: Sequence[str]


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(event, rule["pattern"], tuple(rule["targets"]))
        for event, rule in _read(ROUTING)["rules"].items()
    )


def events_for(target: str) -> list[str]:
    """The events that a rule leads to a topic or queue. Raises ValueError when there are none."""
    events = [rule.event for rule in rules() if target in rule.targets]
    if not events:
        raise ValueError(f"{ROUTING}: no event has the target {target!r}")
    return events


def filter_policy(consumer: str) -> Mapping[str, Any]:
    """What a subscriber takes of the topic, by the message's body. Raises ValueError."""
    filters: dict[str, dict[str, Any]] = _read(ROUTING)["filters"]
    if consumer not in filters:
        raise ValueError(f"{ROUTING}: no event of the topic names the consumer {consumer!r}")
    return filters[consumer]


def routes() -> dict[str, list[str]]:
    """The routes ("POST /orders") of the HTTP API by the function that answers them."""
    found: dict[str, list[str]] = {}
    for route in _read(HTTP_API)["routes"]:
        found.setdefault(route["function"], []).append(route["route"])
    return found


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
