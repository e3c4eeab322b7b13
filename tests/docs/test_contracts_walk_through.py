"""A field is added and then made required, as contracts/README.md tells it, in a copy."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from bitacora.contracts.generate import write
from bitacora.embedded.environment import PROJECT
from tests.docs.console import blocks, run

PAGE = PROJECT / "contracts" / "README.md"
CANCELLED = "events/internal/order_cancelled"
MERGED = "merged into "
LEFT_OUT = (".*", "__pycache__", "dist", "node_modules")


def test_each_step_of_the_walk_through_does_what_the_page_says(tmp_path: Path) -> None:
    copy = tmp_path / "kit"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    begin(copy)
    steps = 0
    for block in blocks(PAGE):
        if block.note.startswith(MERGED):
            merge(copy / block.note.removeprefix(MERGED), json.loads(block.text))
        elif block.runs:
            run(block, copy, PYTHONPATH=str(copy))
        steps += 1
    assert steps > 5


def begin(copy: Path) -> None:
    """As the page has it before the first step: OrderCancelled has one version."""
    for file in (copy / "contracts" / CANCELLED).rglob("v*.json"):
        if not re.match(r"v1\b", file.name):
            file.unlink()
    lock = copy / "contracts/released.lock"
    lines = lock.read_text().splitlines(keepends=True)
    kept = [line for line in lines if CANCELLED not in line or line.endswith("/v1.json\n")]
    lock.write_text("".join(kept))
    write(copy)


def merge(path: Path, patch: dict[str, Any]) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(merged(document, patch), indent=2, ensure_ascii=False) + "\n")


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made
