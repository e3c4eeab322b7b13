"""What `bitacora contracts` prints: for people, for programs, and as annotations of a workflow."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.text import Text

from bitacora.cli import screen
from bitacora.contracts.changes import Change
from bitacora.contracts.check import Report, Step
from bitacora.contracts.compatibility import Comparison, Counterexample, Doubt
from bitacora.contracts.draft import Draft
from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import COMPATIBILITY, Folder, Version
from bitacora.contracts.places import line_of
from bitacora.contracts.sides import Side

LONGEST_REASON = 300
COLOURS = {"compatible": "green", "upcast": "green", "incompatible": "red", "undecided": "yellow"}


def print_check(report: Report, format_: str) -> None:
    """A check of the whole folder; `format_` is text, json or github."""
    match format_:
        case "json":
            screen.print_json(_check_document(report))
        case "github":
            for finding in report.findings:
                file = _shown(report.folder, finding.file)
                said = f"{_place(finding.pointer)} {finding.what}. {finding.remedy}"
                print(annotation(file, _line(report.folder, finding), finding.rule, said))
            for step in report.steps:
                if not step.is_fine:
                    title = f"{step.newer.name} is {step.outcome}"
                    said = f"{_asked(step)}\n{_in_lines(step.comparison)}"
                    file = _shown(report.folder, step.newer.file)
                    print(annotation(file, 1, title, said))
            print(_summary(report))
        case _:
            _print_check_text(report)


def print_comparison(old: Side, new: Side, mode: str, comparison: Comparison, format_: str) -> None:
    """Two schemas compared."""
    match format_:
        case "json":
            document = {"old": old.document.name, "new": new.document.name, "mode": mode}
            screen.print_json({**document, **_comparison_document(comparison)})
        case "github":
            title = f"{mode}: {comparison.verdict}"
            if comparison.verdict != "compatible":
                file = _near(new.file) if new.file else ""
                print(annotation(file, 1 if file else None, title, _in_lines(comparison)))
            print(f"{old.document.name} → {new.document.name}: {title}")
        case _:
            out = screen.console()
            _print_verdict(out, f"{mode}:", comparison.verdict)
            _print_comparison(out, comparison)


def print_diff(
    old: Side, new: Side, found: Sequence[Change], comparison: Comparison, format_: str
) -> None:
    """What changed, and what follows for both directions."""
    if format_ == "json":
        document = {"old": old.document.name, "new": new.document.name}
        listed = {"changes": [change._asdict() for change in found]}
        both = {each: _comparison_document(_only(comparison, each)) for each in _DIRECTIONS}
        screen.print_json({**document, **listed, **both})
        return
    out = screen.console()
    for pointer, of_place in groupby(found, key=lambda change: change.pointer):
        out.print(Text(_printable(_place(pointer)), style="bold"))
        for change in of_place:
            _print_line(out, change.sentence)
    if not found:
        out.print("Nothing changed.")
    for direction, question in _DIRECTIONS.items():
        out.print()
        one_way = _only(comparison, direction)
        _print_verdict(out, f"{direction.upper()}:", one_way.verdict)
        if one_way.verdict == "compatible":
            _print_line(out, question.format(old=old.document.name, new=new.document.name))
        _print_comparison(out, one_way)


_DIRECTIONS = {
    "backward": "A consumer of {new} reads everything that {old} writes.",
    "forward": "A consumer of {old} reads everything that {new} writes.",
}


def print_generated(files: Sequence[Path], project: Path, *, written: bool) -> None:
    verb = "Wrote" if written else "Stale:"
    for file in files:
        print(f"{verb} {file.relative_to(project)}")
    if not files:
        print("All generated files follow from the contracts.")
    elif not written:
        print("Run `bitacora contracts generate`.")


def print_released(added: Sequence[Version]) -> None:
    for version in added:
        print(f"Released {version.name}")
    print(
        f"{len(added)} files never change from now on. Commit the lock."
        if added
        else "Nothing is new: every version is released."
    )


def print_draft(made: Draft, root: Path) -> None:
    """What was written and what to edit now."""
    for file in made.files:
        print(f"Wrote {_near(root / file)}")
    version, source = made.version, made.source
    print(
        f"\n{version.name} says what v{source.number} says. Now:\n"
        f"  1. Edit {_near(root / version.file)}."
    )
    if not version.is_type:
        print("  2. Show the change in its examples: the full one and, if required, the minimal.")
    if version.folder.startswith("events/internal/"):
        print(
            '  3. When old events do not fit any more: say how they are carried over, "x-upcast":\n'
            '     "<sentence>", and write that upcaster in reference_service/order/versions.py.'
        )
    print("Then `bitacora contracts generate`, and `bitacora contracts check`.")
    if version.folder.startswith("events/"):
        print(f"Services go on writing v{source.number} until `kit:writes` names the new one.")


def annotation(file: str, line: int | None, title: str, message: str) -> str:
    """A workflow command of GitHub Actions, escaped as its toolkit does."""
    given = {"file": file, "line": str(line) if line else "", "title": title}
    properties = ",".join(f"{key}={_escaped(value)}" for key, value in given.items() if value)
    data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::error {properties}::{data}"


def _escaped(value: str) -> str:
    for character in "%\r\n:,":
        value = value.replace(character, f"%{ord(character):02X}")
    return value


def _print_check_text(report: Report) -> None:
    out = screen.console()
    for finding in report.findings:
        line = _line(report.folder, finding)
        head = Text(_shown(report.folder, finding.file) + (f":{line}" if line else ""), "bold")
        head.append(f"  [{finding.rule}]", "dim")
        out.print(head)
        _print_line(out, f"{_place(finding.pointer)} {finding.what}.")
        _print_line(out, f"→ {finding.remedy}", "cyan")
    for step in report.steps:
        if not step.is_fine:
            name = f"{step.older.name} → v{step.newer.number} ({step.mode.value}):"
            _print_verdict(out, name, step.outcome)
            _print_comparison(out, step.comparison)
            _print_line(out, f"→ {_way_out(step)}", "cyan")
    out.print(Text(_summary(report), "green" if report.is_fine else "red"))


def _summary(report: Report) -> str:
    refused = sum(not step.is_fine for step in report.steps)
    upcast = sum(step.outcome == "upcast" for step in report.steps)
    compared = len(report.steps) - upcast
    schemas, versions = len(report.folder.histories), len(report.folder.versions)
    return (
        f"{schemas} schemas in {versions} versions: {_count(len(report.findings), 'finding')}; "
        f"{_count(compared, 'comparison')}, {refused} refused; {_count(upcast, 'step')} upcast."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _way_out(step: Step) -> str:
    if step.newer.folder.startswith("events/internal/"):
        return (
            "Leave what old events lack optional, or say with x-upcast how they are carried over "
            "and write that upcaster."
        )
    if step.newer.folder.startswith("events/public/"):
        return "Make it optional or wider, or publish a new event beside this one."
    return "Make it optional or wider, or offer it under a new name."


def _asked(step: Step) -> str:
    return f"{step.older.name} → v{step.newer.number}: {COMPATIBILITY} asks {step.mode.value}."


def _print_verdict(out: Console, name: str, verdict: str) -> None:
    head = Text(f"{name} ", "bold")
    head.append(verdict, f"bold {COLOURS[verdict]}")
    out.print(head)


def _print_comparison(out: Console, comparison: Comparison) -> None:
    for counterexample in comparison.counterexamples:
        _print_line(out, _sentence(counterexample))
        # Folded nowhere: an event that is shown may be pasted.
        out.print(Text(_indented(counterexample.instance)), soft_wrap=True)
        for reason in _reasons(counterexample):
            _print_line(out, f"✗ {reason}", "red")
    for doubt in comparison.doubts:
        _print_line(out, _doubt(doubt))


def _print_line(out: Console, text: str, style: str = "") -> None:
    """Two columns in, and so where it goes on."""
    for line in wrap(_printable(text), out.width - 2):
        out.print(Text(f"  {line}", style))


def _printable(text: str) -> str:
    """Control characters and halves of pairs, which names in a schema may hold, as escapes."""
    return "".join(
        each if each.isprintable() or ord(each) > 0xFFFF else f"\\u{ord(each):04x}" for each in text
    )


def _in_lines(comparison: Comparison) -> str:
    lines: list[str] = []
    for counterexample in comparison.counterexamples:
        shown = [_sentence(counterexample), _indented(counterexample.instance)]
        lines += [*shown, *(f"✗ {reason}" for reason in _reasons(counterexample))]
    return "\n".join([*lines, *map(_doubt, comparison.doubts)])


def _sentence(counterexample: Counterexample) -> str:
    writer, reader = counterexample.writer, counterexample.reader
    if (shared := writer.rpartition("/")[0]) == reader.rpartition("/")[0]:
        writer, reader = (each.removeprefix(f"{shared}/") for each in (writer, reader))
    return f"{writer} may be written so, and {reader} refuses it:"


def _reasons(counterexample: Counterexample) -> Iterator[str]:
    for reason in counterexample.reasons:
        detail = reason.detail
        if len(detail) > LONGEST_REASON:
            detail = f"{detail[: LONGEST_REASON - 1]}…"
        yield f"{_place(reason.pointer)} ({reason.keyword}): {detail}"


def _doubt(doubt: Doubt) -> str:
    return f"{doubt.direction}: not decided, so refused: {doubt.reason}"


def _indented(instance: Any) -> str:
    text = json.dumps(instance, indent=2, ensure_ascii=False)
    return "\n".join(f"    {_printable(line)}" for line in text.split("\n"))


def _only(comparison: Comparison, direction: str) -> Comparison:
    return Comparison(
        tuple(each for each in comparison.counterexamples if each.direction == direction),
        tuple(each for each in comparison.doubts if each.direction == direction),
    )


def _check_document(report: Report) -> dict[str, Any]:
    return {
        "fine": report.is_fine,
        "findings": [
            {
                **finding._asdict(),
                "file": _shown(report.folder, finding.file),
                "line": _line(report.folder, finding),
            }
            for finding in report.findings
        ],
        "comparisons": [
            {
                "old": step.older.name,
                "new": step.newer.name,
                "mode": step.mode.value,
                **_comparison_document(step.comparison),
                "verdict": step.outcome,
                "upcast": step.upcast,
            }
            for step in report.steps
        ],
    }


def _comparison_document(comparison: Comparison) -> dict[str, Any]:
    return {
        "verdict": comparison.verdict,
        "counterexamples": [
            {
                "direction": each.direction,
                "writer": each.writer,
                "reader": each.reader,
                "instance": each.instance,
                "reasons": [vars(reason) for reason in each.reasons],
            }
            for each in comparison.counterexamples
        ],
        "undecided": [
            {"direction": each.direction, "reason": each.reason} for each in comparison.doubts
        ],
    }


def _place(pointer: str) -> str:
    return pointer or "the whole"


def _line(folder: Folder, finding: Finding) -> int | None:
    if finding.line or finding.file not in folder.contents:
        return finding.line
    return line_of(folder.contents[finding.file], finding.pointer)


def _shown(folder: Folder, file: str) -> str:
    """A file as a person names it from where they stand."""
    return _near(Path(folder.where) / file)


def _near(path: Path) -> str:
    whole = os.path.normpath(Path.cwd() / path)
    near = os.path.relpath(whole)
    return whole if near.startswith("..") else near
