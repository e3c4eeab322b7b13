"""bitacora check: is what clients observed possible?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bitacora.audit.history import Finding, Report

EXIT_CODES = "Exit codes: 0 holds, 1 violated or unknown, 2 wrong usage or no history."
# What a person reads; all of them are in the JSON document.
SHOWN_FINDINGS = 20
SHOWN_UNDECIDED = 5


def check(
    history: Annotated[
        str, typer.Argument(metavar="HISTORY.jsonl", help="A line per operation; - reads them.")
    ],
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROMISE", help="Unknown if nothing was observed of this promise; repeatable."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Decide whether what the clients of versioned streams observed is possible.

    The file may come from any system; docs/history.md describes it.
    """
    import gc

    from bitacora.audit.history import check as checked
    from bitacora.audit.history.findings import PROMISES
    from bitacora.audit.history.malformed import Malformed
    from bitacora.audit.history.reading import read_history
    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem

    expected = [promise for promise in PROMISES if promise in (expect or ())]
    for name in expect or ():
        if name not in PROMISES:
            raise UsageProblem(f"There is no promise {name!r}.", f"They are {', '.join(PROMISES)}.")
    gc.disable()  # a million operations without a cycle among them, in a process that ends soon
    try:
        report = checked(read_history(history), expected)
    except Malformed as wrong:
        raise UsageProblem(str(wrong), wrong.remedy) from None
    if json:
        screen.print_json(document(report))
    else:
        print_report(report)
    if report.verdict != "holds":
        raise typer.Exit(1)


def document(report: "Report") -> dict[str, Any]:
    """What `check --json` prints."""
    from msgspec import to_builtins

    from bitacora.audit.history.findings import MEANINGS

    return {
        "verdict": report.verdict,
        "promises": report.promises,
        "counts": report.counts,
        "findings": [
            {
                "kind": finding.kind,
                "stream": finding.stream,
                "detail": finding.detail,
                "lines": finding.lines,
                "piece": to_builtins(finding.piece),
            }
            for finding in report.findings
        ],
        "meanings": {
            kind: MEANINGS[kind] for kind in sorted({each.kind for each in report.findings})
        },
        "undecided": report.undecided,
    }


def print_report(report: "Report") -> None:
    """The verdict, on which promise which, and each finding with its piece of the history."""
    from bitacora.audit.history.findings import PROMISES
    from bitacora.audit.history.reading import printable
    from bitacora.cli.screen import print_table

    counts = ", ".join(
        f"{count:,} {name if count != 1 else name.removesuffix('s')}"
        for name, count in report.counts.items()
    )
    print(f"Verdict: {report.verdict}, {_reason(report)}. ({counts})\n")
    print_table(
        ("promise", "verdict", "meaning"),
        [(name, report.promises[name], meaning) for name, meaning in PROMISES.items()],
        whole=("promise", "verdict"),
    )
    for finding in report.findings[:SHOWN_FINDINGS]:
        _print_finding(finding)
    _print_more(len(report.findings) - SHOWN_FINDINGS)
    if report.undecided:
        print("\nUndecided:")
        for text in report.undecided[:SHOWN_UNDECIDED]:
            print(f"  {printable(text)}")
        _print_more(len(report.undecided) - SHOWN_UNDECIDED)


def _reason(report: "Report") -> str:
    if report.verdict == "violated":
        violated = [name for name, verdict in report.promises.items() if verdict == "violated"]
        return f"what was observed breaks {', '.join(violated)}"
    if report.undecided:
        return "something could not be decided"
    if "holds" not in report.promises.values():
        return "nothing was observed that could be held against a promise"
    if report.verdict == "unknown":
        return "what was expected was not observed"
    if "unknown" in report.promises.values():
        return "as far as something was observed"
    return "there is an order that explains it all"


def _print_finding(finding: "Finding") -> None:
    from textwrap import wrap

    from msgspec.json import encode

    from bitacora.audit.history.findings import MEANINGS
    from bitacora.audit.history.reading import printable
    from bitacora.cli.screen import WIDTH

    print(f"\n{finding.kind} in {printable(finding.stream)}: {MEANINGS[finding.kind]}")
    detail = printable(finding.detail)
    print("\n".join(wrap(detail, WIDTH, initial_indent="  ", subsequent_indent="  ")))
    width = len(str(finding.lines[-1])) if finding.lines else 0
    for line, operation in zip(finding.lines, finding.piece, strict=True):
        print(f"  line {line:>{width}}  {encode(operation).decode()}")


def _print_more(more: int) -> None:
    if more > 0:
        print(f"… and {more} more: --json has them all.")
