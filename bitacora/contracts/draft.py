"""The next version of a schema, scaffolded from the newest one."""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from bitacora.contracts.folder import FORMS, Folder, Version
from bitacora.contracts.lint.agreement import UPCAST
from bitacora.contracts.lock import released
from bitacora.embedded.problem import Problem, UsageProblem
from reference_service.schemas import urn


class Draft(NamedTuple):
    """A version that was written, its files below the folder, and what it was made from."""

    version: Version
    source: Version
    files: Sequence[str]


def draft(root: Path, name: str) -> Draft:
    """Write v<N+1> of the schema that `name` means, as a copy of v<N> without its upcaster.

    Raises UsageProblem for a name that means none or several, Problem when v<N> is not released.
    """
    folder = Folder.read(root)
    newest = folder.histories[named(folder, name)][-1]
    if newest.file not in released(folder):
        raise Problem(
            f"{newest.name} is not released yet.",
            f"Edit {root / newest.file} itself; a next version begins once it is released.",
        )
    version = Version(newest.folder, newest.number + 1)
    schema = folder.values.get(newest.file)
    if not isinstance(schema, dict):
        raise Problem(f"{newest.file} holds no schema.", "Run `bitacora contracts check`.")
    written = {version.file: _text(_next(schema, version))}
    for form in FORMS:
        if (example := newest.example(form)) in folder.contents:
            written[version.example(form)] = folder.contents[example].decode()
    for file, text in written.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as opened:
            opened.write(text)
    return Draft(version, newest, list(written))


def named(folder: Folder, name: str) -> str:
    """The schema folder that a name means: order_cancelled, internal/order_cancelled, envelope.

    Raises UsageProblem, naming what it may mean.
    """
    asked = name.strip("/").removesuffix(".json")
    found = [each for each in folder.histories if f"/{each}".endswith(f"/{asked}")]
    if asked and len(found) == 1:
        return found[0]
    if asked and len(found) > 1:
        raise UsageProblem(f"{name} may be {_listed(found)}.", "Name one of them.")
    last = {each.rpartition("/")[2]: each for each in folder.histories}
    near = get_close_matches(asked.rpartition("/")[2], last, n=3)
    remedy = f"Did you mean {_listed(near)}?" if near else f"There are {', '.join(sorted(last))}."
    raise UsageProblem(f"There is no schema {name!r} in {folder.where}.", remedy)


def _listed(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _next(schema: dict[str, Any], version: Version) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key != UPCAST}
    return {**kept, "$id": urn(version.name)}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
