"""Who publishes and who consumes which public event: contracts/topology.json, read once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOPOLOGY = Path(__file__).resolve().parent.parent / "contracts" / "topology.json"
# The consumer that is a queue on the bus itself; all others subscribe to the topic.
COMMAND_QUEUE = "order-commands"


@dataclass(frozen=True)
class PublicEvent:
    name: str
    source: str
    consumers: tuple[str, ...]

    @property
    def on_topic(self) -> bool:
        return any(consumer != COMMAND_QUEUE for consumer in self.consumers)


def public_events(path: Path = TOPOLOGY) -> tuple[PublicEvent, ...]:
    return tuple(
        PublicEvent(name, entry["source"], tuple(entry["consumers"]))
        for name, entry in json.loads(path.read_text("utf-8")).items()
    )


def consumed_by(consumer: str, events: Sequence[PublicEvent]) -> list[str]:
    """The names of the events that `consumer` takes. Raises ValueError when there are none."""
    names = [event.name for event in events if consumer in event.consumers]
    if not names:
        raise ValueError(f"{TOPOLOGY}: no event names the consumer {consumer!r}")
    return names
