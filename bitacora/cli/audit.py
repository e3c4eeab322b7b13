"""bitacora audit: does everything downstream say what the event store says?"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitacora.cli.home import Home

if TYPE_CHECKING:
    from bitacora.audit.findings import Finding, Kind
    from bitacora.audit.store_audit import Report

EXIT_CODES = "Exit codes: 0 holds, 1 violated or unknown, 2 wrong usage."
GRACE_S = 300
# A table that a person reads; all of them are in the JSON document.
SHOWN_FINDINGS = 50


def audit(
    context: typer.Context,
    stream: Annotated[
        str | None, typer.Option(metavar="STREAM", help="One stream, like order-<uuid>.")
    ] = None,
    grace: Annotated[
        int,
        typer.Option(min=0, help="Seconds that a public event may take to reach the ledger."),
    ] = GRACE_S,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Hold the event store against its hashes and anchors, and everything else against the store.

    Reads only. Orders may go on meanwhile.
    """
    from datetime import UTC, datetime

    from bitacora.audit.orders import Orders
    from bitacora.audit.readers import source_of
    from bitacora.audit.store_audit import audit as audited
    from bitacora.audit.stream_audit import Clock
    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem
    from reference_service.schemas import Schemas

    home: Home = context.obj
    if stream == "":
        raise UsageProblem(
            "--stream is empty.", "Name a stream, like order-<uuid>, or leave it out."
        )
    source = source_of(home.target)
    clock = Clock(datetime.now(UTC), grace)
    with _telling() as tell:
        report = audited(source, Orders(Schemas.load()), clock, stream=stream, tell=tell)
    if json:
        screen.print_json(document(report))
    else:
        print_report(report)
    if report.verdict != "holds":
        raise typer.Exit(1)


def document(report: "Report") -> dict[str, Any]:
    """What `audit --json` prints."""
    from dataclasses import asdict

    from bitacora.audit.findings import MEANINGS

    return {
        "verdict": report.verdict,
        "reason": report.reason,
        "looked_at": counts(report),
        "anchored": {
            "up_to": report.anchored_up_to or None,
            "lock": report.lock or None,
            "note": anchored(report),
        },
        "findings": [asdict(finding) for finding in report.findings],
        "meanings": {kind: MEANINGS[kind] for kind in sorted(_kinds(report))},
        "behind": [asdict(lag) for lag in report.lags],
    }


def counts(report: "Report") -> dict[str, int]:
    """What was looked at, always with the same names."""
    from bitacora.audit.stream_audit import COUNTED

    return {name: report.counts[name] for name in COUNTED}


def anchored(report: "Report") -> str:
    """From when on a tail that was cut off can be noticed, and from when on not."""
    if report.anchored_up_to is None:
        return "The anchors could not be read."
    if not report.anchored_up_to:
        return (
            "No heads are anchored. A tail that was cut off, or a stream that was removed, shows"
            " only where the read model or the ledger still knows of it."
        )
    return (
        f"Heads are anchored up to {report.anchored_up_to}. What was committed later and was cut"
        " off since, anchors can't notice."
    )


def print_report(report: "Report") -> None:
    """The verdict, what was looked at, what was found and what that means."""
    from textwrap import wrap

    from bitacora.audit.findings import MEANINGS
    from bitacora.cli.report import print_table
    from bitacora.cli.screen import WIDTH

    print(f"Verdict: {report.verdict}, {report.reason}.\n")
    print_table(
        ("looked at", "count"), [(name, str(count)) for name, count in counts(report).items()]
    )
    print("\n" + "\n".join(wrap(anchored(report), WIDTH)))
    if report.lags:
        slowest = report.lags[0]
        print(
            f"\nThe longest behind: {slowest.stream} at commit {slowest.commit} of {slowest.head},"
            f" for {slowest.waiting_s:.0f} s."
        )
    if report.findings:
        print()
        print_table(
            ("stream", "commit", "kind", "detail"),
            [_row(finding) for finding in report.findings[:SHOWN_FINDINGS]],
            whole=("stream", "commit", "kind"),
        )
        if len(report.findings) > SHOWN_FINDINGS:
            print(f"… and {len(report.findings) - SHOWN_FINDINGS} more: --json has them all.")
        print()
        meanings = [(kind, MEANINGS[kind]) for kind in sorted(_kinds(report))]
        print_table(("kind", "meaning"), meanings)


def _row(finding: "Finding") -> tuple[str, str, str, str]:
    commit = "" if finding.commit is None else str(finding.commit)
    return finding.stream, commit, finding.kind, finding.detail


def _kinds(report: "Report") -> "set[Kind]":
    return {finding.kind for finding in report.findings}


@contextmanager
def _telling() -> Iterator[Callable[["Report"], None]]:
    """How far the audit is, on a terminal alone."""
    from bitacora.cli.screen import console

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status("") as spinner:
        yield lambda report: spinner.update(
            f"{report.counts['streams']} streams, {report.counts['commits']} commits,"
            f" {len(report.findings)} findings"
        )
