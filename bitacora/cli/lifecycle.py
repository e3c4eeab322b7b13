"""bitacora up | down | status"""

import sys
from typing import Annotated

import typer

from bitacora.cli.home import Home

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def up(
    context: typer.Context,
    timings: Annotated[bool, typer.Option("--timings", help="Print seconds per phase.")] = False,
    demo: Annotated[bool, typer.Option(help="Send an order and follow its way.")] = True,
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="KEY=VALUE", help="Instead of what Pulumi.*.yaml say."),
    ] = None,
    json: Json = False,
) -> None:
    """Start or recover the environment, provision infra/ and send a demo order.

    On a running environment: redeploys what changed, and refuses what cannot change in place.
    --config may be repeated, and is not remembered: kit:snapshotEvery=50.
    """
    from dataclasses import replace

    from bitacora.cli import report, screen
    from bitacora.embedded.demo import follow_an_order

    home: Home = context.obj
    environment = replace(home.environment, config=_values(config or []))
    try:
        with report.progress(sys.stderr) as progress:
            ready = environment.start(progress)
            journey = None
            if demo:
                progress.step("following an order")
                journey = follow_an_order(environment)
    except KeyboardInterrupt:
        told = "Interrupted. `bitacora up` goes on from here, `bitacora down` ends what runs."
        print(home.addressed(told), file=sys.stderr)
        raise typer.Exit(130) from None
    if json:
        screen.print_json(report.up_document(environment, ready, journey))
    else:
        report.print_up(home, ready, journey, timings=timings)
    if journey and not journey.complete:
        raise typer.Exit(1)


def _values(config: list[str]) -> dict[str, str]:
    """Raises UsageProblem for what has no key."""
    from bitacora.embedded.problem import UsageProblem

    values = {}
    for given in config:
        key, equals, value = given.partition("=")
        if not key or not equals:
            raise UsageProblem(f"--config {given}: no KEY=VALUE.", "As in kit:snapshotEvery=50.")
        values[key] = value
    return values


def down(
    context: typer.Context,
    purge: Annotated[bool, typer.Option("--purge", help="Delete its state and logs too.")] = False,
) -> None:
    """End every process of the environment, and nothing else."""
    home: Home = context.obj
    ended = home.environment.stop(purge=purge)
    print(f"Ended {ended} processes of {home.folder}." if ended else "Nothing was running.")


def status(context: typer.Context, json: Json = False) -> None:
    """What runs, since when and with how much memory. Exit code 1 unless all is healthy."""
    from bitacora.cli import report, screen

    home: Home = context.obj
    seen = home.environment.status()
    if json:
        screen.print_json({**report.plain(seen), "healthy": seen.healthy})
    else:
        report.print_status(home, seen)
    if not seen.healthy:
        raise typer.Exit(1)
