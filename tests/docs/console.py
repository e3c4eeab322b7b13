"""What a page of the documentation shows, run as a person would, and compared.

A ```console block holds `$ command` lines, each followed by what it prints. Figures, ids and
ports differ from run to run, so numbers are compared as "#"; a line `...` stands for any lines. A
comment before a block says what is special about it:

    <!-- not run: reason -->     it can't run in a test
    <!-- exit code 1 -->         its command is meant to fail with that code
    <!-- merged into FILE -->    a ```json block that a person adds to FILE (RFC 7396, merge patch)
"""

import os
import re
import subprocess
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from bitacora.embedded.environment import PROJECT

BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^>]+) -->\n)?^```(?P<kind>console|json)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# A command goes on after a backslash; what it prints ends where the next one begins.
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
TIMEOUT_S = 300


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    kind: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def runs(self) -> bool:
        return self.kind == "console" and not self.note.startswith("not run: ")

    @property
    def exit_code(self) -> int:
        return int(self.note.removeprefix("exit code ")) if "exit code" in self.note else 0


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in BLOCK.finditer(text):
        line = text[: found.start()].count("\n") + 1
        yield Block(page, line, found["kind"], found["note"] or "", found["text"])


def run(block: Block, folder: Path, left_out: Container[str] = (), **environ: str) -> None:
    """Runs the commands of a block and holds what they print against what the page says."""
    for command, said in COMMAND.findall(block.text):
        if command in left_out:
            continue
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder,
            env=as_a_person_has_it() | environ,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert ran.returncode == block.exit_code, f"$ {command}\n{ran.stdout}{ran.stderr}"
        assert as_said(said, ran.stdout), (
            f"$ {command} printed:\n{ran.stdout}\nthe page says:\n{said}"
        )


def as_a_person_has_it() -> dict[str, str]:
    """The environment of a person's shell: these tests may run below a make of their own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    path = f"{PROJECT / '.venv/bin'}{os.pathsep}{environ['PATH']}"
    return environ | {"COLUMNS": "100", "PATH": path}


def figures_aside(text: str) -> str:
    """Numbers as #, ids and paths as *, no --home (a test has its own), spaces collapsed; how long
    a part has run is a figure, whatever its unit."""
    text = re.sub(r" --home \S+", "", text)
    text = re.sub(r"(?<!\S)/\S+", "*", text)
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "*", text)
    text = re.sub(r"\d+([.,:]\d+)*", "#", text)
    text = re.sub(r"\bup( # (h|min|s)\b)+", "up #", text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def as_said(said: str, printed: str) -> bool:
    pieces = [re.escape(piece) for piece in re.split(r"^\.\.\.$", figures_aside(said), flags=re.M)]
    return re.fullmatch(r"(?s:.*)".join(pieces), figures_aside(printed)) is not None
