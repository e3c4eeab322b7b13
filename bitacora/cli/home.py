"""Which environment a command is about."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported when a command needs it: `--help` must be quick
    from bitacora.embedded.environment import Environment

DEFAULT_HOME = Path(__file__).resolve().parents[2] / ".bitacora"
COMMAND = re.compile(r"\bbitacora (?=(?:up|down|status|logs|demo|token)\b)")


@dataclass(frozen=True)
class Home:
    """The folder that --home or BITACORA_HOME names."""

    folder: Path

    @property
    def environment(self) -> "Environment":
        from bitacora.embedded.environment import Environment

        return Environment(self.folder)

    def addressed(self, text: str) -> str:
        """`text` with its commands as this person has to type them for this environment."""
        typed = "python -m bitacora" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
        option = "" if self.folder == DEFAULT_HOME else f"--home {self.folder} "
        return COMMAND.sub(lambda _: f"{typed} {option}", text)
