"""What was stored of each version of each event, once and for ever, and how it reads today.

A file holds the text of an entry of a commit's body, which never changes, and the data of the event
that it is read as. From its release on a version must have its files: `python -m
tests.order.golden` writes those that are missing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bitacora.contracts.folder import Folder
from bitacora.contracts.lock import released
from reference_service.order.codec import OrderCodec
from reference_service.order.events import OLDEST_READERS, VERSIONS, Event
from reference_service.schemas import CONTRACTS, Schemas, event_schema
from tests.contracts.language import example

FOLDER = Path(__file__).parent
FORMS = ("minimal", "full")
CODEC = OrderCodec(Schemas.load())


def wanted(contracts: Path = CONTRACTS) -> Iterator[tuple[str, int, str]]:
    """Event type, version and form of every file that must be there.

    A version that is not in released.lock may still change; without a lock none is released.
    """
    locked = released(Folder.read(contracts))
    for kind, newest in VERSIONS.items():
        for version in range(1, newest + 1):
            if f"{event_schema('internal', kind, version)}.json" in locked:
                for form in FORMS:
                    yield kind, version, form


def missing() -> list[tuple[str, int, str]]:
    return [each for each in wanted() if not path(*each).exists()]


def path(kind: str, version: int, form: str) -> Path:
    return FOLDER / f"{kind}-v{version}-{form}.json"


def entry(kind: str, version: int, data: Any) -> dict[str, Any]:
    """The entry of a commit's body, as it is written: with the oldest reader if it is older."""
    oldest_reader = OLDEST_READERS.get((kind, version))
    readers = {"r": oldest_reader} if oldest_reader else {}
    return {"type": kind, "v": version, "data": data, **readers}


def as_data(event: Event) -> Any:
    return json.loads(msgspec.json.encode(event))


def write_missing() -> None:
    for kind, version, form in missing():
        data = example(event_schema("internal", kind, version), form)
        stored = json.dumps(entry(kind, version, data), ensure_ascii=False, separators=(",", ":"))
        [event] = CODEC.decode(f"[{stored}]")
        golden = {"stored": stored, "read": as_data(event)}
        text = json.dumps(golden, ensure_ascii=False, indent=2)
        path(kind, version, form).write_text(f"{text}\n", "utf-8")
