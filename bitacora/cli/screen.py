"""Where commands print: a terminal with colours, or a file without."""

import json
import sys
from collections.abc import Collection, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 100


def console(file: TextIO | None = None) -> Console:
    """At most 100 columns, so that a pasted table stays whole."""
    file = file or sys.stdout
    found = Console(file=file, highlight=False)
    width = min(found.width, WIDTH) if found.is_terminal else WIDTH
    return Console(file=file, highlight=False, width=width)


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], whole: Collection[str] = ()
) -> None:
    """Cells are folded where the screen is too narrow, save those under a heading in `whole`."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in whole)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, default=str))
