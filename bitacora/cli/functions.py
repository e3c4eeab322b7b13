"""bitacora logs | invoke: one function at a time."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bitacora.cli.home import Home


def logs(
    context: typer.Context,
    function: Annotated[
        str | None, typer.Argument(help="Its name, like `projector`; all when left out.")
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
) -> None:
    """What the functions logged, oldest first."""
    from bitacora.embedded import logs as reading

    home: Home = context.obj
    environment = home.environment
    chosen = reading.chosen(environment, function)
    for line in reading.lines(environment, chosen, follow=follow):
        print(line, flush=follow)


def invoke(
    context: typer.Context,
    function: Annotated[str, typer.Argument(help="Its name, like `projector`.")],
    event: Annotated[str, typer.Option("--event", metavar="FILE", help="JSON; - reads stdin.")],
) -> None:
    """Run a function's handler in this process, with its environment and its role.

    A breakpoint in the handler stops here. Prints the handler's answer as JSON.
    """
    from bitacora.embedded.invocation import invoke_here

    home: Home = context.obj
    answer = invoke_here(home.environment, function, _event(event))
    print(json.dumps(answer, indent=2))


def _event(file: str) -> Any:
    from bitacora.embedded.problem import UsageProblem

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageProblem(f"{file} holds no JSON: {error}.") from error
