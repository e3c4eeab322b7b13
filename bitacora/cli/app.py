"""The commands and the options that all of them share."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bitacora.cli import (
    audit,
    check,
    contracts,
    customers,
    erase,
    functions,
    letters,
    lifecycle,
    rebuild,
    recover,
    recovery,
    resources,
    resync,
    simulate,
)
from bitacora.cli.home import DEFAULT_HOME, Home
from bitacora.embedded.problem import Problem, UsageProblem


class Commands(TyperGroup):
    """The one place where an error becomes a message."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            home: Home = ctx.obj
            print(home.addressed(f"Error: {problem.what}"), file=sys.stderr)
            if problem.remedy:
                print(home.addressed(f"  → {problem.remedy}"), file=sys.stderr)
            raise typer.Exit(problem.exit_code) from None


app = typer.Typer(
    cls=Commands,
    help="Bitácora: CQRS and event sourcing on AWS, on this machine in one command.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed or unhealthy, 2 wrong usage or configuration, "
    "130 interrupted.",
)


@app.callback()
def shared(
    context: typer.Context,
    home: Annotated[
        Path,
        typer.Option(
            envvar="BITACORA_HOME",
            help="Folder of the environment's state.",
            file_okay=False,
            resolve_path=True,
            show_default=".bitacora of the checkout",
        ),
    ] = DEFAULT_HOME,
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A stack that the Pulumi CLI deployed, instead of the environment."
        ),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The same, by its outputs: `pulumi stack output --json > FILE`."
        ),
    ] = None,
) -> None:
    context.obj = Home(home, stack, outputs)
    if stack == "":  # an unset variable must not lead to the environment instead
        raise UsageProblem("--stack is empty.")


app.command()(lifecycle.up)
app.command()(lifecycle.down)
app.command()(lifecycle.status)
app.command()(functions.logs)
app.command()(customers.demo)
app.command()(resources.resources)
app.command()(resources.output)
app.command()(customers.token)
app.command()(functions.invoke)
app.command(epilog=audit.EXIT_CODES)(audit.audit)
app.command(epilog=check.EXIT_CODES)(check.check)
app.command(epilog=rebuild.EXIT_CODES)(rebuild.rebuild)
app.command(epilog=recovery.PARKED_CODES)(recovery.parked)
app.command(epilog=recovery.HEALED_CODES)(recovery.repair)
app.command(epilog=recovery.HEALED_CODES)(recovery.republish)
app.command(epilog=erase.EXIT_CODES)(erase.erase)
app.command(epilog=letters.LISTED_CODES)(letters.dead_letters)
app.command(epilog=letters.REDRIVEN_CODES)(letters.redrive)
app.command(epilog=resync.EXIT_CODES)(resync.resync)
app.command(epilog=recover.EXIT_CODES)(recover.recover)
app.command(epilog=simulate.EXIT_CODES)(simulate.simulate)
app.add_typer(contracts.app, name="contracts")
