"""A part of contracts/ in a folder of its own, to plant faults in."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import Folder
from bitacora.contracts.keywords import at, pointer_of, steps
from bitacora.contracts.lint import lint
from bitacora.contracts.lock import release
from reference_service.schemas import CONTRACTS
from tests.contracts.language import read

# Each up to the version that the tests know: what contracts/ gained since is no matter here.
KEPT = {
    "answers/gateway_message": 1,
    "commands/cancel_order": 1,
    "envelope": 1,
    "events/internal/order_cancelled": 1,
    "events/internal/order_placed": 3,
    "events/public/order_cancelled": 1,
    "events/public/order_confirmed": 2,
    "types/balance": 1,
    "types/delivery": 1,
    "types/money": 1,
}
CANCELLED = "events/internal/order_cancelled"
PLACED = "events/internal/order_placed"
PUBLIC = "events/public/order_confirmed"
GIT_ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class Contracts:
    """A folder of contracts that a test may change."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def copied(cls, root: Path) -> "Contracts":
        for kept, newest in KEPT.items():
            for version in range(1, newest + 1):
                for file in (CONTRACTS / kept).rglob(f"v{version}[.-]*json"):
                    copied = root / file.relative_to(CONTRACTS)
                    copied.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, copied)
        shutil.copy(CONTRACTS / "compatibility.json", root)
        made = cls(root)
        ways = read(CONTRACTS / "topology.json")
        made.write(
            "topology.json", {name: ways[name] for name in ("OrderCancelled", "OrderConfirmed")}
        )
        return made

    def read(self, file: str) -> Any:
        return read(self.root / file)

    def write(self, file: str, value: Any) -> None:
        """JSON of a value, or the bytes as they are."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(value, bytes):
            value = (json.dumps(value, indent=2) + "\n").encode()
        path.write_bytes(value)

    def put(self, file: str, pointer: str, value: Any) -> None:
        """Set what a JSON pointer leads to."""
        document = self.read(file)
        *around, last = steps(pointer)
        inside = at(document, pointer_of(tuple(around)))
        inside[int(last) if isinstance(inside, list) else last] = value
        self.write(file, document)

    def drop(self, file: str, pointer: str) -> None:
        document = self.read(file)
        *around, last = steps(pointer)
        inside = at(document, pointer_of(tuple(around)))
        del inside[int(last) if isinstance(inside, list) else last]
        self.write(file, document)

    def next_version(self, folder: str, number: int) -> str:
        """v<number> as a copy of the version before, with its examples; its file."""
        for form in ("minimal", "full", "bad"):
            before = self.root / folder / "examples" / f"v{number - 1}-{form}.json"
            shutil.copy(before, before.with_name(f"v{number}-{form}.json"))
        schema = self.read(f"{folder}/v{number - 1}.json")
        schema.pop("x-upcast", None)
        schema["$id"] = schema["$id"].replace(f":v{number - 1}", f":v{number}")
        self.write(f"{folder}/v{number}.json", schema)
        return f"{folder}/v{number}.json"

    def release(self) -> None:
        release(self.root, self.folder)

    @property
    def folder(self) -> Folder:
        return Folder.read(self.root)

    @property
    def findings(self) -> list[Finding]:
        return lint(self.folder)

    def git(self, *arguments: str) -> str:
        """git in the folder around this one."""
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
        done = subprocess.run(
            ["git", "-C", str(self.root.parent), *who, *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=GIT_ENVIRONMENT,
        )
        return done.stdout

    def commit(self) -> None:
        """Everything as it stands, on branch main of a checkout around the folder."""
        if not (self.root.parent / ".git").is_dir():
            self.git("init", "--quiet", "--initial-branch", "main")
        self.git("add", "--all", ".")
        self.git("commit", "--quiet", "--message", "as it stands")


def places(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """Rule, file and pointer of each finding."""
    return [(found.rule, found.file, found.pointer) for found in findings]
