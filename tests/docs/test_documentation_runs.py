"""Every command of the documentation runs, and prints what the documentation says.

A ```console block holds `$ command` lines, each followed by what it prints. Figures, ids and
ports differ from run to run, so numbers are compared as "#"; a line `...` stands for any lines. A
block that can't run in a test is preceded by a comment that says why: <!-- not run: reason -->.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bitacora.embedded.environment import PROJECT, Environment

PAGES = [
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    *sorted((PROJECT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n)?^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A command goes on after a backslash; what it prints ends where the next one begins.
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
OTHER_FENCE = re.compile(r"^```(sh|bash|shell)$", re.MULTILINE)
TIMEOUT_S = 120


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    commands: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in BLOCK.finditer(text):
        if found[1] is None:
            line = text[: found.start()].count("\n") + 1
            yield Block(page, line, tuple(COMMAND.findall(found[2])))


def figures_aside(text: str) -> str:
    """Numbers as #, ids and paths as *, no --home (a test has its own), spaces collapsed."""
    text = re.sub(r" --home \S+", "", text)
    text = re.sub(r"(?<!\S)/\S+", "*", text)
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "*", text)
    text = re.sub(r"\d+([.,:]\d+)*", "#", text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def as_said(said: str, printed: str) -> bool:
    pieces = [re.escape(piece) for piece in re.split(r"^\.\.\.$", figures_aside(said), flags=re.M)]
    return re.fullmatch(r"(?s:.*)".join(pieces), figures_aside(printed)) is not None


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The pages are one story: what one block starts, the next ones use."""
    home = Path(tempfile.mkdtemp(prefix="bitacora-docs-"))
    yield home
    Environment(home).stop(purge=True)


@pytest.mark.parametrize("block", [block for page in PAGES for block in blocks(page)], ids=str)
def test_a_block_prints_what_it_says(block: Block, home: Path) -> None:
    # As a person's shell has it: these tests may run below a make of their own.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environ |= {"BITACORA_HOME": str(home), "COLUMNS": "100"}
    environ["PATH"] = f"{PROJECT / '.venv/bin'}{os.pathsep}{environ['PATH']}"
    for command, said in block.commands:
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=PROJECT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert ran.returncode == 0, f"$ {command}\n{ran.stdout}{ran.stderr}"
        assert as_said(said, ran.stdout), (
            f"$ {command} printed:\n{ran.stdout}\nthe page says:\n{said}"
        )


def test_commands_stand_in_console_blocks() -> None:
    hidden = [page.name for page in PAGES if OTHER_FENCE.search(page.read_text())]
    assert not hidden, f"commands of {hidden} would not be run: make them ```console blocks"
    assert any(True for page in PAGES for _ in blocks(page))


def test_another_text_is_noticed() -> None:
    assert as_said("ready in 7.1 s\n...\ndone\n", "ready in 12.25 s\nfirst\nsecond\ndone\n")
    assert not as_said("ready in 7.1 s\ndone\n", "ready in 7.1 s\nfailed\n")
