"""What was stored of each version of each event, once and for ever, and how it reads today.

A file holds the text of an entry of a commit's body, which never changes, and the data of the event
that it is read as. `python -m tests.order.golden` writes the files that are missing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from reference_service.order.codec import OrderCodec
from reference_service.order.events import VERSIONS, Event
from reference_service.schemas import Schemas, event_schema
from tests.contracts.language import example

FOLDER = Path(__file__).parent
FORMS = ("minimal", "full")
CODEC = OrderCodec(Schemas.load())


def expected() -> Iterator[tuple[str, int, str]]:
    """Event type, version and form of every file that must be there."""
    for kind, newest in VERSIONS.items():
        for version in range(1, newest + 1):
            for form in FORMS:
                yield kind, version, form


def path(kind: str, version: int, form: str) -> Path:
    return FOLDER / f"{kind}-v{version}-{form}.json"


def as_data(event: Event) -> Any:
    return json.loads(msgspec.json.encode(event))


def write_missing() -> None:
    for kind, version, form in expected():
        file = path(kind, version, form)
        if not file.exists():
            data = example(event_schema("internal", kind, version), form)
            entry = {"type": kind, "v": version, "data": data}
            stored = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
            [event] = CODEC.decode(f"[{stored}]")
            golden = {"stored": stored, "read": as_data(event)}
            text = json.dumps(golden, ensure_ascii=False, indent=2)
            file.write_text(f"{text}\n", "utf-8")
