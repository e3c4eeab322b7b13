"""bitacora recover: commits that the event store lost."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bitacora.cli.home import Home

if TYPE_CHECKING:
    from bitacora.recovery.recover import Recovered

EXIT_CODES = "Exit codes: 0 nothing is lost now, 1 something still is, 2 wrong usage."
SHOWN = 20
MEANT = {
    "commits": "commits looked at",
    "lost": "of them lost by the event store",
    "appended": "appended again",
    "unreadable": "not readable",
}


def recover(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="Read the log from there on; all of it without."),
    ] = None,
    from_table: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Take them from a restored table, not from the log."),
    ] = None,
    to_table: Annotated[
        str | None, typer.Option(metavar="NAME", help="A table that is not the stack's yet.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Append commits that the event store lost: from the log, or from a restored table.

    Only under numbers that are free, with the hashes of their chain; what stands is not touched.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from bitacora.cli import screen
    from bitacora.embedded.problem import Problem, UsageProblem
    from bitacora.recovery import recover as recovering
    from bitacora.recovery.letters import answered
    from bitacora.recovery.resync import moment
    from bitacora.targets import output
    from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
    from reference_service.cqrs.store import Unavailable

    home: Home = context.obj
    if since and from_table:
        raise UsageProblem("--since is about the log; a table is taken whole.")
    began = moment(since, datetime.now(UTC)) if since else None
    target = home.target
    dynamodb = target.client("dynamodb")
    table = to_table or output(target, "events_table")

    def source() -> Iterator["recovering.Commits"]:
        if from_table:
            return recovering.of_table(dynamodb, from_table)
        return recovering.of_log(target.client("kinesis"), output(target, "log_stream"), began)

    try:
        with answered("recover"), _telling() as tell:
            store = DynamoDBEventStore(dynamodb, table)
            done = recovering.recover(store, source, tell, dry_run=dry_run)
    except Unavailable as fault:
        raise Problem(f"It stopped: {fault}", "What was appended stays; repeat it.") from fault
    except KeyboardInterrupt:
        print("Interrupted. What was appended stays; repeat it.", file=sys.stderr)
        raise typer.Exit(130) from None
    if json:
        screen.print_json({**asdict(done), "dry_run": dry_run})
    else:
        _print(done, dry_run=dry_run)
    if not done.complete or done.lost != done.appended:
        raise typer.Exit(1)


def _print(done: "Recovered", *, dry_run: bool) -> None:
    from bitacora.cli.report import print_table

    rows = [(meant, str(getattr(done, name))) for name, meant in MEANT.items()]
    print_table(("recover (nothing was changed)" if dry_run else "recover", "count"), rows)
    for why, streams in (
        ("go on with another commit of that number", done.forks),
        ("lack an earlier commit, which was not found", done.gaps),
    ):
        if streams:
            print(f"\n{len(streams)} streams {why}:")
        for stream, commit in list(streams.items())[:SHOWN]:
            print(f"  {stream}/{commit}")


@contextmanager
def _telling() -> "Iterator[Callable[[Recovered], None]]":
    """How far it is, on a terminal alone."""
    from bitacora.cli.screen import console

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status("") as spinner:
        yield lambda done: spinner.update(f"{done.commits} commits, {done.lost} were lost")
