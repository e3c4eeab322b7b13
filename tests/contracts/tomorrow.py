"""The contracts of a deployment to come: today's with a further version of some events."""

import json
import shutil
from pathlib import Path
from typing import Any

from reference_service.order.events import VERSIONS
from reference_service.schemas import CONTRACTS, Schemas, urn
from tests.contracts.language import NEWEST, SCHEMAS, next_version

# What an event gains tomorrow: an optional field, by a name that no event of today has.
GAINED = "tomorrows_note"


def tomorrow(folder: Path, *events: str) -> Schemas:
    """Today's contracts copied to `folder`, and the next version of each event.

    tomorrow(folder, "events/internal/order_cancelled") adds a text GAINED to its newest version.
    """
    shutil.copytree(CONTRACTS, folder, dirs_exist_ok=True)
    for event in events:
        schema, name = SCHEMAS[NEWEST[event]], next_version(event)
        gained = {"description": "What the customer said.", "type": "string", "maxLength": 9}
        properties = schema["properties"] | {GAINED: gained}
        newer = {**schema, "$id": urn(name), "properties": properties}
        (folder / f"{name}.json").write_text(json.dumps(newer), "utf-8")
    return Schemas.load(folder)


def cancelled_tomorrow(reason: str = "other", **members: Any) -> dict[str, Any]:
    """The stored entry of an OrderCancelled one version newer than today knows."""
    newer = {"type": "OrderCancelled", "v": VERSIONS["OrderCancelled"] + 1}
    return newer | {"data": {"reason": reason, GAINED: "too big"}} | members
