"""docs/audit.md lists every kind of finding with its meaning."""

import re

from bitacora.audit.findings import MEANINGS
from bitacora.embedded.environment import PROJECT

ROW = re.compile(r"^\| `([a-z-]+)` \| (.+\.) \|$", re.MULTILINE)


def test_the_page_says_what_the_command_says() -> None:
    assert dict(ROW.findall((PROJECT / "docs" / "audit.md").read_text())) == MEANINGS
