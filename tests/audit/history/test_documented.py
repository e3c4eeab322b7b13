"""docs/history.md lists every kind of finding with its meaning and promise, and every field."""

import json
import re
from pathlib import Path

from bitacora.audit import history
from bitacora.audit.history.findings import MEANINGS, PROMISED
from bitacora.embedded.environment import PROJECT

PAGE = (PROJECT / "docs" / "history.md").read_text()
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+\.) \| `([a-z-]+)` \|$", re.MULTILINE)
SECTION = re.compile(r"^`(\w+)`: .*?\n\n(.*?)\n\n", re.MULTILINE | re.DOTALL)


def test_the_page_says_what_the_command_says() -> None:
    assert ROW.findall(PAGE) == [
        (kind, meaning, PROMISED[kind]) for kind, meaning in MEANINGS.items()
    ]


def test_the_page_has_every_field_of_the_schema() -> None:
    schema = json.loads((Path(history.__file__).parent / "schema.json").read_text())
    documented = {
        op: {
            name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
        }
        for op, table in SECTION.findall(PAGE)
    }

    assert documented == {
        op: schema["$defs"][op]["properties"].keys() - {"op"}
        for op in ("append", "read", "stored", "seen")
    }
