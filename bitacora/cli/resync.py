"""bitacora resync: what a stream lost, from the event store."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bitacora.cli.home import Home

if TYPE_CHECKING:
    from bitacora.recovery.resync import So
    from bitacora.targets import Target

EXIT_CODES = "Exit codes: 0 done, 1 failed or a stream is parked, 2 wrong usage, 130 interrupted."
SHOWN_PARKED = 20
MEANT = {
    "streams": "streams looked at",
    "commits": "commits looked at",
    "concerned": "streams with commits since",
    "behind": "of them behind in a read model",
    "published": "public events published again",
}


def resync(
    context: typer.Context,
    since: Annotated[
        str, typer.Option(metavar="MOMENT", help="Since when, like 2026-01-31T12:00:00Z.")
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="CURSOR", help="Go on where one was interrupted."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Repair the read models and publish the events of every commit since a moment.

    For a stream that stood longer than it keeps its records (DynamoDB's: 24 hours), or lost its
    place: the event store has what it lost. Consumers get events again that they have seen.
    """
    from datetime import UTC, datetime

    from bitacora.cli import screen
    from bitacora.embedded.problem import Problem
    from bitacora.recovery import resync as resyncing

    home: Home = context.obj
    moment = resyncing.moment(since, datetime.now(UTC))
    if from_ is not None:
        resyncing.check_cursor(from_)
    target, so = home.target, resyncing.So(from_, dict.fromkeys(resyncing.SUMMED, 0), [])
    try:
        with _shown(target) as show:
            for so in resyncing.resynced(target, moment, from_, dry_run=dry_run):
                show(so)
    except KeyboardInterrupt:
        print(f"Interrupted. {_go_on(home, since, so.cursor)}", file=sys.stderr)
        raise typer.Exit(130) from None
    except resyncing.Stopped as stopped:
        raise Problem(stopped.what, _go_on(home, since, stopped.cursor)) from None
    if json:
        screen.print_json({**so.counts, "parked": so.parked, "dry_run": dry_run})
    else:
        _print(home, so, dry_run=dry_run)
    if so.parked:
        raise typer.Exit(1)


def _go_on(home: Home, since: str, cursor: str | None) -> str:
    place = f" --from {cursor}" if cursor else ""
    return home.addressed(f"`bitacora resync --since {since}{place}` goes on from here.")


def _print(home: Home, so: "So", *, dry_run: bool) -> None:
    from bitacora.cli.report import print_table

    rows = [(meant, str(so.counts[name])) for name, meant in MEANT.items()]
    print_table(("resync (nothing was changed)" if dry_run else "resync", "count"), rows)
    if so.parked:
        print(f"\n{len(so.parked)} streams are parked:")
        print("\n".join(f"  {stream}" for stream in so.parked[:SHOWN_PARKED]))
        print(home.addressed("→ `bitacora parked` tells why."))


@contextmanager
def _shown(target: "Target") -> "Iterator[Callable[[So], None]]":
    """A bar with its rate, on a terminal alone."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from bitacora.cli.screen import console
    from bitacora.recovery.resync import commits

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield lambda _: None
        return
    columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=commits(target))

        def show(so: "So") -> None:
            done, elapsed_s = so.counts["commits"], bar.tasks[0].elapsed or 0.001
            rate = f"{done / elapsed_s:,.0f} a second"
            bar.update(task, completed=done, description=f"{done:,} commits, {rate}")

        yield show
