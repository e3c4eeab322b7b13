"""Where commands print: a terminal with colours, or a file without."""

import json
import sys
from typing import Any, TextIO

from rich.console import Console

WIDTH = 100


def console(file: TextIO | None = None) -> Console:
    """At most 100 columns, so that a pasted table stays whole."""
    file = file or sys.stdout
    found = Console(file=file, highlight=False)
    width = min(found.width, WIDTH) if found.is_terminal else WIDTH
    return Console(file=file, highlight=False, width=width)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, default=str))
