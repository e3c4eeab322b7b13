"""bitacora resources | output: what the program made, and what it exports."""

from typing import Annotated

import typer

from bitacora.cli.home import Home


def resources(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Every resource that the program made: type, name and physical id."""
    from bitacora.cli import report, screen
    from bitacora.embedded.problem import Problem
    from bitacora.embedded.provisioning import RESOURCES_FILE
    from bitacora.provision.state import StateFile

    home: Home = context.obj
    running = home.environment.state.home  # raises Problem: what was made ended with the emulator
    stored = StateFile(home.folder / RESOURCES_FILE).resources
    if not stored:
        raise Problem(f"Nothing is provisioned in {running}.", "Run `bitacora up`.")
    rows = [
        {"type": resource.type, "name": resource.name, "id": resource.id, "urn": urn}
        for urn, resource in sorted(stored.items(), key=lambda item: (item[1].type, item[1].name))
    ]
    if json:
        screen.print_json(rows)
    else:
        report.print_table(
            ("type", "name", "id"), [(_short(row["type"]), row["name"], row["id"]) for row in rows]
        )


def _short(token: str) -> str:
    """aws:sqs/queue:Queue → sqs.Queue, as a program names it; a component's token stays."""
    provider, module, name = token.split(":")
    return f"{module.partition('/')[0]}.{name}" if provider == "aws" else token


def output(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One export; all of them without.")] = None,
) -> None:
    """Print what the program exports: one value plain, or all as JSON."""
    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem

    home: Home = context.obj
    outputs = home.environment.outputs
    if name is None:
        screen.print_json(outputs)
    elif name not in outputs:
        raise UsageProblem(
            f"There is no output {name!r}.", f"There are: {', '.join(sorted(outputs))}."
        )
    elif isinstance(outputs[name], str):
        print(outputs[name])
    else:
        screen.print_json(outputs[name])
