"""The whole contracts folder held to its rules, to its lock and to its own past."""

import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bitacora.contracts.compatibility import Comparison, Mode, compare
from bitacora.contracts.documents import ContractFault
from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import LOCK, Folder, Version
from bitacora.contracts.lint import lint
from bitacora.contracts.lint.agreement import UPCAST
from bitacora.contracts.lock import changed, released
from bitacora.contracts.reading import Reading

Outcome = Literal["compatible", "incompatible", "undecided", "upcast"]


@dataclass(frozen=True)
class Step:
    """One version beside an earlier one; `upcast` says how its events are carried over."""

    older: Version
    newer: Version
    mode: Mode
    comparison: Comparison = field(default_factory=Comparison)
    upcast: str | None = None

    @property
    def outcome(self) -> Outcome:
        return "upcast" if self.upcast is not None else self.comparison.verdict

    @property
    def is_fine(self) -> bool:
        return self.outcome in ("compatible", "upcast")


@dataclass(frozen=True)
class Report:
    """`findings` by file, `steps` by schema and version."""

    folder: Folder
    findings: Sequence[Finding]
    steps: Sequence[Step]

    @property
    def is_fine(self) -> bool:
        return not self.findings and all(step.is_fine for step in self.steps)


def check(
    root: Path,
    against: Folder | None = None,
    reading: Reading = Reading.CONTRACT,
    *,
    generated: bool = True,
) -> Report:
    """Everything that is wrong with the folder at `root`; with `against`, also beside its past.

    `generated`: whether the files that follow from the folder are looked at too. Raises
    UsageProblem when there is no such folder.
    """
    folder = Folder.read(root)
    findings = lint(folder)
    past = folder
    if against is not None:
        told = {found.file for found in findings if found.rule == "released-unchanged"}
        findings += [found for found in rewritten(folder, against) if found.file not in told]
        past = with_released(folder, against)
    if generated and not findings:
        findings = list(_stale(root))
    return Report(folder, findings, list(steps(past, reading)))


def steps(folder: Folder, reading: Reading = Reading.CONTRACT) -> Iterator[Step]:
    """Each version compared with those before it, as compatibility.json asks.

    A version with an upcaster is not compared with what comes before it: the upcaster carries old
    events over. What follows is compared back to there.
    """
    for event, history in folder.histories.items():
        mode = folder.mode(event) or Mode.NONE
        readable = [version for version in history if version in folder.documents]
        comparable: list[Version] = []
        for newer in readable:
            said = folder.schemas[newer].get(UPCAST)
            if comparable and mode.directions and said is not None:
                yield Step(comparable[-1], newer, mode, upcast=str(said))
            if said is not None:
                comparable = []
            for older in comparable if mode.transitive else comparable[-1:]:
                if mode.directions:
                    yield Step(older, newer, mode, _compared(folder, older, newer, mode, reading))
            comparable.append(newer)


def _compared(
    folder: Folder, older: Version, newer: Version, mode: Mode, reading: Reading
) -> Comparison:
    # Whoever writes, an example of the other side is refused as an event of this one or serves.
    candidates = [*folder.examples(older), *folder.examples(newer)]
    return compare(folder.documents[older], folder.documents[newer], mode, reading, candidates)


def rewritten(folder: Folder, past: Folder) -> Iterator[Finding]:
    """What was released and is not so now, even where file and lock changed together."""
    before, now = released(past), released(folder)
    for found in changed(before, folder, f"{past.where}/{LOCK} says"):
        yield found._replace(rule="released-against")
    for file, digest in sorted(before.items()):
        if now.get(file) != digest:
            verb = "has another digest for" if file in now else "no longer lists"
            what = f"{verb} {file}, which was released at {past.where}"
            remedy = "Restore the lock: what was released stays released."
            yield Finding(LOCK, "", what, remedy, rule="released-against")


def with_released(folder: Folder, past: Folder) -> Folder:
    """The folder with the released versions as they were: what new ones are compared with."""
    kept = {file: past.contents[file] for file in released(past) if file in past.contents}
    examples = {
        file: past.contents[file]
        for version in past.versions
        if version.file in kept
        for file in map(version.example, ("minimal", "full"))
        if file in past.contents and file not in folder.contents
    }
    return Folder(folder.where, {**folder.contents, **examples, **kept}, folder.refused)


def _stale(root: Path) -> Iterator[Finding]:
    """Generated files that do not follow from the contracts any more."""
    from bitacora.contracts.generate import stale

    project = root.resolve().parent
    if root.resolve().name != "contracts" or not _is_generated_for(project):
        return
    remedy = "Run `bitacora contracts generate`."
    try:
        for path in stale(project):
            file = os.path.relpath(path, root.resolve())
            yield Finding(file, "", "does not follow from the contracts", remedy, rule="stale")
    except ContractFault as fault:
        file = fault.where.removeprefix("contracts/")
        remedy = "Say it so that something can be generated from it."
        yield Finding(file, fault.pointer, fault.what, remedy, fault.line, "stale")


def _is_generated_for(project: Path) -> bool:
    """Whether pyproject.toml says what is generated from the contracts beside it."""
    file = project / "pyproject.toml"
    if not file.is_file():
        return False
    tool = tomllib.loads(file.read_text("utf-8")).get("tool", {})
    return "contracts" in tool.get("bitacora", {})
