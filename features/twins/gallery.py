"""What the twins are: pieces of text that are replaced, in a copy of the project."""

import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# What the scenarios run from. The generated documents belong to the contracts.
COPIED = (
    *("bitacora", "contracts", "features", "infra", "load", "reference_service", "tests"),
    *("Pulumi.yaml", "Pulumi.embedded.yaml", "conftest.py", "docs/catalogue.md", "pyproject.toml"),
)


class NoLonger(ValueError):
    """The text that a twin replaces is not there exactly once: the twin has to be written anew."""


@dataclass(frozen=True)
class Edit:
    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Twin:
    """`breaks` is the number of the promise that has to fail, `means` what somebody thought."""

    name: str
    breaks: int
    means: str
    edits: tuple[Edit, ...]

    def made(self, root: Path) -> None:
        """A copy of the project with the defect in it. Raises NoLonger."""
        for part in COPIED:
            copy = root / part
            copy.parent.mkdir(parents=True, exist_ok=True)
            if (PROJECT / part).is_dir():
                skipped = shutil.ignore_patterns("__pycache__", ".*")
                shutil.copytree(PROJECT / part, copy, ignore=skipped)
            else:
                shutil.copy(PROJECT / part, copy)
        for edit in self.edits:
            file = root / edit.file
            file.write_text(self.edited(edit, file.read_text("utf-8")), "utf-8")

    def edited(self, edit: Edit, text: str) -> str:
        """The text with the edit in it. Raises NoLonger."""
        if text.count(edit.before) != 1:
            found = text.count(edit.before)
            raise NoLonger(f"{self.name}: its text is {found} times in {edit.file}, not once")
        return text.replace(edit.before, edit.after)


def gallery() -> Sequence[Twin]:
    """All twins by the promise that they break."""
    found = []
    for file in Path(__file__).parent.glob("*.toml"):
        for told in tomllib.loads(file.read_text("utf-8"))["twin"]:
            edits = tuple(Edit(**edit) for edit in told["edit"])
            found.append(Twin(told["name"], told["breaks"], told["means"], edits))
    return sorted(found, key=lambda twin: (twin.breaks, twin.name))
