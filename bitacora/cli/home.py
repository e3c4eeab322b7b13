"""Which environment, or which deployed stack, a command is about."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported when a command needs it: `--help` must be quick
    from bitacora.embedded.environment import Environment
    from bitacora.targets import Target

DEFAULT_HOME = Path(__file__).resolve().parents[2] / ".bitacora"
COMMANDS = (
    "up|down|status|logs|demo|token|audit|rebuild|parked|repair|republish|dead-letters|redrive"
    "|resync|recover"
)
COMMAND = re.compile(rf"\bbitacora (?=(?:{COMMANDS})\b)")


@dataclass(frozen=True)
class Home:
    """The folder that --home or BITACORA_HOME names; the stack that --stack or --outputs names."""

    folder: Path
    stack: str | None = None
    outputs: Path | None = None

    @property
    def environment(self) -> "Environment":
        """Raises UsageProblem when a stack was named."""
        from bitacora.embedded.environment import Environment
        from bitacora.embedded.problem import UsageProblem

        if self.stack or self.outputs:
            raise UsageProblem(
                "This command is about the embedded environment.",
                "Leave out --stack and --outputs.",
            )
        return Environment(self.folder)

    @property
    def target(self) -> "Target":
        """The stack that was named, or else the environment."""
        from bitacora.targets.stack import Stack

        if self.stack or self.outputs:
            return Stack(self.stack or str(self.outputs), self.outputs)
        return self.environment

    def addressed(self, text: str) -> str:
        """`text` with its commands as this person has to type them for this environment."""
        typed = "python -m bitacora" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
        option = "" if self.folder == DEFAULT_HOME else f"--home {self.folder} "
        if self.stack or self.outputs:
            option = f"--outputs {self.outputs} " if self.outputs else f"--stack {self.stack} "
        return COMMAND.sub(lambda _: f"{typed} {option}", text)
