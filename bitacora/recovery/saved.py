"""Dead letters kept in a file, and only then deleted."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bitacora.embedded.problem import UsageProblem
from bitacora.recovery.letters import Letter, Queue, Reading, answered
from bitacora.targets import Target

HIDDEN_S = 900


def save(path: Path, queue: Queue, letters: Sequence[Letter]) -> None:
    """A JSON line per message, on the disk when it returns. Raises UsageProblem.

    A file that there is stays as it is.
    """
    try:
        # For its owner alone: messages hold what customers said.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for letter in letters:
                told = {"queue": queue.key, **asdict(letter)}
                del told["receipt"]  # of this reading alone
                file.write(json.dumps(told, default=_binary) + "\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # or the file's name may be lost
        finally:
            os.close(folder)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}.") from error


def delete_saved(target: Target, queue: Queue, path: Path) -> tuple[list[str], dict[str, str]]:
    """Delete those messages of the queue that stand in the file, body and all.

    The ids of the deleted; and why not, for the others in the file. Raises Problem.
    """
    bodies = _saved(path, queue)
    deleted: list[str] = []
    kept = dict.fromkeys(bodies, "it is not in the queue (any more)")
    with answered(queue.key), Reading(target.client("sqs"), queue, HIDDEN_S) as reading:
        while kept and (some := reading.some()):
            same = [letter for letter in some if bodies.get(letter.id) == letter.body]
            failed = reading.delete(same)
            deleted += [letter.id for letter in same if letter.id not in failed]
            kept = {one: why for one, why in (kept | failed).items() if one not in deleted}
    return deleted, kept


def _saved(path: Path, queue: Queue) -> dict[str, str]:
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        named = {line["queue"] for line in lines}
        bodies = {str(line["id"]): str(line["body"]) for line in lines}
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError) as error:
        raise UsageProblem(f"{path} holds no saved messages: {error!r}.") from error
    if named - {queue.key}:
        raise UsageProblem(f"{path} holds messages of {', '.join(sorted(named))}.")
    return bodies


def _binary(value: Any) -> str:
    """An attribute's bytes."""
    return bytes(value).hex()
