"""The contracts of a deployment to come: today's with further versions."""

import json
import shutil
from pathlib import Path
from typing import Any

from reference_service.schemas import CONTRACTS, Schemas, urn
from tests.contracts.language import SCHEMAS


def tomorrow(folder: Path, **events: dict[str, Any]) -> Schemas:
    """Today's contracts copied to `folder`, and version 2 of each named event.

    internal_order_cancelled={"note": {"type": "string"}} adds an optional field to version 1.
    """
    shutil.copytree(CONTRACTS, folder, dirs_exist_ok=True)
    for event, fields in events.items():
        visibility, _, kind = event.partition("_")
        name = f"events/{visibility}/{kind}"
        schema = SCHEMAS[f"{name}/v1"]
        newer = {
            **schema,
            "$id": urn(f"{name}/v2"),
            "properties": schema["properties"] | fields,
        }
        (folder / f"{name}/v2.json").write_text(json.dumps(newer), "utf-8")
    return Schemas.load(folder)
