"""Queues with dead letters on the emulator, as a stack's outputs name them."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from bitacora.recovery.letters import Queue, Reading, queue
from bitacora.targets.stack import Stack
from tests.emulator import Emulator


class Post:
    """A stack that has queues alone, and what a test asks of them."""

    def __init__(self, emulator: Emulator, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs = emulator.client("sqs")
        self.file = file
        self.outputs: dict[str, Any] = {"queues": {}, "dead_letters": {}, "bus_name": "default"}
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)

    def url(self, **attributes: str) -> str:
        """A new queue."""
        made = self.sqs.create_queue(QueueName=f"post-{uuid.uuid4().hex}", Attributes=attributes)
        return str(made["QueueUrl"])

    def dead_letters(self, key: str, *, way: str = "queue", main: str | None = None) -> Queue:
        """A dead-letter queue whose letters go back to `main`, a new queue unless it is given."""
        url = self.url()
        self.outputs["queues"]["main"] = main or self.url()
        self.outputs["dead_letters"][key] = {"url": url, "way": way, "to": "main"}
        return queue(self.target, key)

    @property
    def target(self) -> Stack:
        self.file.write_text(json.dumps(self.outputs))
        return Stack("post", self.file)

    @property
    def main(self) -> str:
        return str(self.outputs["queues"]["main"])

    def put(self, url: str, *bodies: str, **attributes: str) -> list[str]:
        """The ids of the messages."""
        named = {
            name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
        }
        return [
            self.sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=named)[
                "MessageId"
            ]
            for body in bodies
        ]

    def bodies(self, url: str) -> list[str]:
        """What anybody could receive now; it stays there."""
        with Reading(self.sqs, Queue("any", url, "queue", "main")) as reading:
            return sorted(letter.body for letter in reading.letters())


@pytest.fixture
def post(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Post:
    # The emulator has one server, which a poll that does not wait asks too.
    monkeypatch.setattr("bitacora.recovery.letters.WAIT_S", 0)
    return Post(emulator, tmp_path / "outputs.json", monkeypatch)
