"""What is known of an environment between commands: `environment.json`, written by its supervisor.

The file is readable by its owner only (it holds the control tokens) and replaced atomically.
"""

import os
from pathlib import Path

import msgspec

from bitacora.embedded.problem import Problem

FILE = "environment.json"


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """How a part ended: when (UTC), its exit code if known, and the end of its log."""

    at: str
    code: int | None
    log: list[str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One process: a pid alone may be recycled, so its creation time (epoch seconds) is kept."""

    pid: int
    created: float
    started_at: str
    exit: Exit | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why the supervisor could not start everything."""

    what: str
    remedy: str


class State(msgspec.Struct, kw_only=True):
    """`phase`: starting, running, stopping or failed. `ports` and `parts` by name."""

    home: str
    phase: str = "starting"
    ports: dict[str, int] = {}
    control_token: str
    delivery_token: str
    parts: dict[str, Part] = {}
    failure: Failure | None = None
    timings_s: dict[str, float] = {}


def read(home: Path) -> State | None:
    """The recorded state, or None when there is none. Raises Problem when it cannot be read."""
    path = home / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise Problem(
            f"{path} cannot be read ({error}).", "`bitacora down --purge` starts from nothing."
        ) from error


def write(home: Path, state: State) -> None:
    """Replace the file; a reader sees the old or the new state, never a half."""
    replace_private(home / FILE, msgspec.json.format(msgspec.json.encode(state), indent=2))


def replace_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
