"""Contracts of a deployment to come: a copy of the folder with a next version of some event."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reference_service.schemas import CONTRACTS

Schema = dict[str, Any]
NOTE = {"description": "What the customer said.", "type": "string", "maxLength": 80}


def require_a_note(schema: Schema) -> None:
    hold_a_note(schema)
    schema["required"].append("note")


def take_a_reason_away(schema: Schema) -> None:
    schema["properties"]["reason"]["enum"].remove("too_late")


def allow_50_pieces(schema: Schema) -> None:
    schema["properties"]["lines"]["items"]["properties"]["quantity"]["maximum"] = 50


def tell_the_total_as_text(schema: Schema) -> None:
    schema["properties"]["total"] = {
        "description": "The sum, as decimal text.",
        "type": "string",
        "maxLength": 20,
    }


def hold_a_note(schema: Schema) -> None:
    schema["properties"]["note"] = NOTE


def know_one_reason_more(schema: Schema) -> None:
    schema["properties"]["reason"]["enum"].append("found_elsewhere")


def require_a_note_with_upcaster(schema: Schema) -> None:
    require_a_note(schema)
    schema["x-upcast"] = "The note is empty."


# A version that every consumer of the one before can read, and one that none can.
READABLE, UNREADABLE = hold_a_note, know_one_reason_more
CHANGES: Mapping[str, Callable[[Schema], None]] = {
    "requires a note": require_a_note,
    "takes a reason away": take_a_reason_away,
    "allows 50 pieces of a line": allow_50_pieces,
    "tells the total as text": tell_the_total_as_text,
    "may hold a note": hold_a_note,
    "requires a note that an upcaster fills": require_a_note_with_upcaster,
}


def copied(root: Path) -> None:
    """The contracts of today, to be changed."""
    shutil.copytree(CONTRACTS, root, dirs_exist_ok=True)


def add_version(root: Path, event: str, change: Callable[[Schema], None]) -> tuple[str, str]:
    """A next version of an internal event with its examples; names of the one before and of it."""
    folder = root / "events/internal" / re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()
    newest = max(int(file.stem[1:]) for file in folder.glob("v*.json"))
    schema = json.loads((folder / f"v{newest}.json").read_bytes())
    schema.pop("x-upcast", None)
    schema["$id"] = schema["$id"].replace(f":v{newest}", f":v{newest + 1}")
    change(schema)
    _write(folder / f"v{newest + 1}.json", schema)
    for form in ("minimal", "full", "bad"):
        example = folder / "examples" / f"v{newest}-{form}.json"
        shutil.copy(example, example.with_name(f"v{newest + 1}-{form}.json"))
    name = folder.relative_to(root).as_posix()
    return f"{name}/v{newest}", f"{name}/v{newest + 1}"


def _write(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
