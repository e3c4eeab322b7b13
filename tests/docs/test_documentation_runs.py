"""Every command of the documentation runs, and prints what the documentation says."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bitacora.embedded.environment import PROJECT
from tests.docs.console import Block, as_said, blocks, run
from tests.homes import temporary_home

PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").glob("*.md")),
]
OTHER_FENCE = re.compile(r"^```(sh|bash|shell)$", re.MULTILINE)


# A page whose environment is new, and ended by it: what it shows is all that there is.
FROM_NOTHING = "when-something-went-wrong.md"
LEAVE = "$ make down"


def _order(block: Block) -> int:
    """The README is read first, and followed to its end when the other pages were read."""
    return 2 if block.page.name == FROM_NOTHING else int(block.text.startswith(LEAVE))


BLOCKS = sorted((block for page in PAGES for block in blocks(page) if block.runs), key=_order)


@pytest.fixture(scope="module")
def home_of() -> Iterator[Callable[[Path], Path]]:
    """Of somebody who leaves the environment running from one page to the next."""
    with ExitStack() as ending:
        homes: dict[str, Path] = {}

        def home(page: Path) -> Path:
            story = page.name if page.name == FROM_NOTHING else "reading on"
            if story not in homes:
                ending.pop_all().close()
                homes.clear()
                homes[story] = ending.enter_context(temporary_home())
            return homes[story]

        yield home


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_prints_what_it_says(block: Block, home_of: Callable[[Path], Path]) -> None:
    left_out = () if block.page.name == FROM_NOTHING else ("bitacora down",)
    run(block, PROJECT, left_out, BITACORA_HOME=str(home_of(block.page)))


def test_commands_stand_in_console_blocks() -> None:
    hidden = [page.name for page in PAGES if OTHER_FENCE.search(page.read_text())]
    assert not hidden, f"commands of {hidden} would not be run: make them ```console blocks"
    assert any(block.runs for page in PAGES for block in blocks(page))


def test_another_text_is_noticed() -> None:
    assert as_said("ready in 7.1 s\n...\ndone\n", "ready in 12.25 s\nfirst\nsecond\ndone\n")
    assert not as_said("ready in 7.1 s\ndone\n", "ready in 7.1 s\nfailed\n")
