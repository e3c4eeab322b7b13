"""bitacora simulate: seeded histories of the whole pipeline, in memory."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import SystemRandom
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bitacora.simulation.campaign import Failure, Summary
    from bitacora.simulation.faults import Fault

EXIT_CODES = (
    "Exit codes: 0 holds, 1 violated or unknown (too few histories met every fault), "
    "2 wrong usage, 130 interrupted."
)
HISTORIES = 5_000
# Failures that are shrunk and shown; the seeds of more are named.
SHOWN = 3


def simulate(
    histories: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="How many, each from the next seed.")
    ] = HISTORIES,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The first seed.", show_default="a fresh one")
    ] = None,
    replay: Annotated[
        int | None,
        typer.Option(min=0, metavar="SEED", help="Only this one; if it fails, shrunk and traced."),
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Only these kinds of fault.", show_default="all"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Run the service's own code over stores in memory where everything goes wrong that may.

    The same seed is the same history. What fails is shrunk to the few steps that matter.
    """
    from bitacora.cli import screen

    kinds = _kinds(faults)
    if replay is not None:
        document, holds = _replayed(replay, kinds, print_it=not json)
    else:
        first = SystemRandom().randrange(10**9) if seed is None else seed
        document, holds = _simulated(
            range(first, first + histories), kinds, jobs, print_it=not json
        )
    if json:
        screen.print_json(document)
    if not holds:
        raise typer.Exit(1)


def _kinds(names: str | None) -> "Sequence[Fault]":
    from bitacora.embedded.problem import UsageProblem
    from bitacora.simulation.faults import Fault

    if names is None:
        return tuple(Fault)
    known = {fault.value: fault for fault in Fault}
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if not asked:
        raise UsageProblem("--faults is empty.", f"There are: {', '.join(known)}.")
    if unknown := [name for name in asked if name not in known]:
        raise UsageProblem(
            f"--faults: there is no fault {', '.join(unknown)}.", f"There are: {', '.join(known)}."
        )
    # In the order of the kinds, whatever the order they are named in: the same seed, the same draw.
    return tuple(fault for fault in Fault if fault.value in asked)


def _simulated(
    seeds: range, kinds: "Sequence[Fault]", jobs: int, *, print_it: bool
) -> tuple[dict[str, Any], bool]:
    from bitacora.simulation.campaign import Summary, explained, surveys

    summary = Summary()
    with _progress(len(seeds)) as advance:
        for more in surveys(seeds, faults=kinds, jobs=min(jobs, os.cpu_count() or 1)):
            summary.add(more)
            advance(more.histories, summary.verdicts["violated"])
    failures = [
        failure
        for seed in summary.violated[:SHOWN]
        if (failure := explained(seed, faults=kinds)) is not None
    ]
    problems = summary.problems(kinds)
    if print_it:
        _print_summary(summary, seeds, kinds)
        for failure in failures:
            _print_failure(failure, kinds)
        for seed in summary.violated[SHOWN:]:
            print(f"\nSeed {seed} fails too: {_command(seed, kinds)}")
        print(f"\nVerdict: {summary.verdict(kinds)}.", *problems)
    document = {
        "verdict": summary.verdict(kinds),
        "problems": problems,
        "seeds": {"first": seeds.start, "count": len(seeds)},
        "verdicts": {kind: summary.verdicts[kind] for kind in ("holds", "violated", "unknown")},
        "commits": summary.commits,
        "operations": summary.operations,
        "injected": {fault.value: summary.injected[fault] for fault in kinds},
        "failures": [_failure_document(failure, kinds) for failure in failures],
    }
    return document, not problems


def _replayed(
    seed: int, kinds: "Sequence[Fault]", *, print_it: bool
) -> tuple[dict[str, Any], bool]:
    from bitacora.simulation.campaign import Summary, explained, judged, simulate

    done = simulate(seed, faults=kinds)
    verdict = judged(done)
    failure = explained(seed, faults=kinds)
    if print_it and failure:
        _print_failure(failure, kinds)
    elif print_it:
        summary = Summary()
        summary.count(seed, done)
        _print_summary(summary, range(seed, seed + 1), kinds)
        print(f"\nVerdict: {verdict}.")
    document = {
        "verdict": verdict,
        "seed": seed,
        "failures": [_failure_document(failure, kinds)] if failure else [],
    }
    return document, verdict == "holds"


def _command(seed: int, kinds: "Sequence[Fault]") -> str:
    from bitacora.simulation.faults import Fault

    some = "" if len(kinds) == len(Fault) else f" --faults {','.join(k.value for k in kinds)}"
    return f"bitacora simulate --replay {seed}{some}"


def _print_summary(summary: "Summary", seeds: range, kinds: "Sequence[Fault]") -> None:
    from bitacora.cli.report import print_table
    from bitacora.simulation.faults import MEANINGS

    rows = [(fault.value, str(summary.injected[fault]), MEANINGS[fault]) for fault in kinds]
    if rows:
        print_table(("fault", "times", "what it is"), rows, whole=("fault", "times"))
        print()
    print(
        f"Histories: {summary.histories}, seeds {seeds.start} to {seeds[-1]}; clients made "
        f"{summary.operations} calls, and {summary.commits} commits were appended.\n"
        f"{summary.verdicts['holds']} hold, {summary.verdicts['violated']} violated, "
        f"{summary.verdicts['unknown']} unknown."
    )


def _print_failure(failure: "Failure", kinds: "Sequence[Fault]") -> None:
    """What is wrong, what is left of the history, and how it went."""
    from bitacora.cli.report import print_table
    from bitacora.simulation import telling

    print(f"\nSeed {failure.seed} goes wrong.\n")
    print_table(("wrong", "where", "how"), telling.findings(failure))
    print(f"\n{telling.shrunk(failure)}\n")
    print_table(("who", "does or meets"), telling.causes(failure.case))
    print()
    print_table(("at", "who", "call", "outcome"), telling.trace(failure))
    print(f"\nReplay it: {_command(failure.seed, kinds)}")


def _failure_document(failure: "Failure", kinds: "Sequence[Fault]") -> dict[str, Any]:
    from bitacora.simulation import telling

    return {
        "seed": failure.seed,
        "replay": _command(failure.seed, kinds),
        "findings": [
            dict(zip(("kind", "subject", "detail"), row, strict=True))
            for row in telling.findings(failure)
        ],
        "causes": [
            dict(zip(("who", "what"), row, strict=True)) for row in telling.causes(failure.case)
        ],
        "trace": [
            dict(zip(("at", "who", "call", "outcome"), row, strict=True))
            for row in telling.trace(failure)
        ],
    }


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int, int], None]]:
    """Hears (histories more, violated so far); a bar on a terminal, nothing elsewhere."""
    from bitacora.cli.screen import console

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield lambda more, violated: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda more, violated: bar.update(
            task, advance=more, description=f"{violated} violated" if violated else ""
        )
