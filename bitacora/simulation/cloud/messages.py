"""EventBridge's bus, and through SNS the queues of its consumers: at least once, in any order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bitacora.simulation.cloud.calls import Calls, client_error
from bitacora.simulation.cloud.stream import some
from bitacora.simulation.faults import Fault

# Quota of PutEvents: "10 entries".
CALL_ENTRIES = 10
VISIBILITY_MS = 60_000
# As infra/ gives every queue that has dead letters.
RECEIVES_BEFORE_DEAD = 5


@dataclass
class Message:
    id: str
    body: str
    receives: int = 0
    visible_at_ms: int = 0


@dataclass
class Queue:
    """`dead` are the messages that were received too often."""

    name: str
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)

    def visible(self, now_ms: int) -> list[Message]:
        return [one for one in self.messages if one.visible_at_ms <= now_ms]

    def receive(self, calls: Calls, now_ms: int) -> Message | None:
        """The next message, hidden for a while; those received too often are dead."""
        for one in self.visible(now_ms):
            if one.receives >= RECEIVES_BEFORE_DEAD:
                self.messages.remove(one)
                self.dead.append(one)
        visible = self.visible(now_ms)
        if not visible:
            return None
        place = 0
        if len(visible) > 1 and calls.befalls(Fault.REORDERED_MESSAGE, self.name):
            place = 1 + calls.which("message", len(visible) - 1)
        message = visible[place]
        message.receives += 1
        soon = calls.befalls(Fault.VISIBLE_TOO_SOON, f"{self.name} {message.id}")
        message.visible_at_ms = now_ms if soon else now_ms + VISIBILITY_MS
        return message

    def done(self, message: Message) -> None:
        """Deleted; nothing if another receiver was first."""
        if message in self.messages:
            self.messages.remove(message)

    def redrive(self) -> int:
        """The dead letters are messages again; how many they were."""
        moved = len(self.dead)
        self.messages += [Message(one.id, one.body) for one in self.dead]
        self.dead.clear()
        return moved


class EventBridge:
    """The client of EventBridge. `routes` says which queues an event of a type goes to."""

    def __init__(
        self,
        calls: Calls,
        routes: Mapping[str, Sequence[str]],
        queues: Mapping[str, Queue],
    ) -> None:
        self._calls = calls
        self._routes = routes
        self._queues = queues
        self._last = 0

    def put_events(self, **request: Any) -> dict[str, Any]:
        entries = request["Entries"]

        def effect() -> dict[str, Any]:
            if not 1 <= len(entries) <= CALL_ENTRIES:
                raise client_error("events.PutEvents", "ValidationException")
            refused = some(self._calls, Fault.PARTIAL_PUT_EVENTS, "bus", len(entries))
            answers = [
                {"ErrorCode": "ThrottlingException"} if place in refused else self._take(entry)
                for place, entry in enumerate(entries)
            ]
            return {"FailedEntryCount": len(refused), "Entries": answers}

        about = ", ".join(entry["DetailType"] for entry in entries)
        return self._calls.call("events.PutEvents", about, effect)

    def _take(self, entry: Mapping[str, Any]) -> dict[str, str]:
        self._last += 1
        for name in self._routes.get(entry["DetailType"], ()):
            queue = self._queues[name]
            about = f"{name} message-{self._last}"
            copies = 2 if self._calls.befalls(Fault.REPEATED_MESSAGE, about) else 1
            for copy in range(copies):
                queue.messages.append(Message(f"message-{self._last}.{copy}", entry["Detail"]))
        return {"EventId": str(self._last)}


def event_of(messages: Sequence[Message]) -> dict[str, Any]:
    """The event that a queue's mapping hands to its function."""
    return {
        "Records": [
            {"messageId": one.id, "body": one.body, "eventSource": "aws:sqs"} for one in messages
        ]
    }


def routes(topology: bytes) -> dict[str, tuple[str, ...]]:
    """Which queues a public event goes to, by its type, as contracts/topology.json says."""
    return {kind: tuple(one["consumers"]) for kind, one in json.loads(topology).items()}
