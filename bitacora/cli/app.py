"""The commands and the options that all of them share."""

from pathlib import Path
from typing import Annotated

import typer

from bitacora.cli import customers, functions, lifecycle, resources
from bitacora.cli.home import DEFAULT_HOME, Home

app = typer.Typer(
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
) -> None:
    context.obj = Home(home)


app.command()(lifecycle.up)
app.command()(lifecycle.down)
app.command()(lifecycle.status)
app.command()(functions.logs)
app.command()(customers.demo)
app.command()(resources.resources)
app.command()(customers.token)
app.command()(functions.invoke)
