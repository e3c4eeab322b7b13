"""Which environment a command is about."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported when a command needs it: `--help` must be quick
    from bitacora.embedded.environment import Environment

DEFAULT_HOME = Path(__file__).resolve().parents[2] / ".bitacora"


@dataclass(frozen=True)
class Home:
    """The folder that --home or BITACORA_HOME names."""

    folder: Path

    @property
    def environment(self) -> "Environment":
        from bitacora.embedded.environment import Environment

        return Environment(self.folder)

    def option(self) -> str:
        """How to name this home in a command that a person may copy."""
        return "" if self.folder == DEFAULT_HOME else f" --home {self.folder}"
