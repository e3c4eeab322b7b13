"""bitacora demo | token: what a customer does."""

import sys
from typing import Annotated

import typer

from bitacora.cli.home import Home


def demo(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Place and pay an order, and follow it through every service. Exit code 1 if it gets lost."""
    from bitacora.cli import report, screen
    from bitacora.embedded.demo import follow_an_order

    home: Home = context.obj
    environment = home.environment
    with report.progress(sys.stderr) as progress:
        progress.step("following an order")
        journey = follow_an_order(environment)
    if json:
        screen.print_json(report.journey_document(journey))
    else:
        report.print_journey(journey)
        report.print_curl(home, journey)
    if not journey.complete:
        raise typer.Exit(1)


def token(
    context: typer.Context,
    customer: Annotated[
        str | None, typer.Option("--customer", metavar="ID", help="Whose token.")
    ] = None,
    support: Annotated[
        str | None,
        typer.Option("--support", metavar="ID", help="Of staff that may read every order."),
    ] = None,
    ttl: Annotated[
        int, typer.Option("--ttl", min=1, max=86_400, help="Seconds until it expires.")
    ] = 8 * 3600,
) -> None:
    """Print a bearer token for the API: a customer's, or one of support staff."""
    from bitacora.embedded.problem import UsageProblem
    from reference_service.aws.http_api import READ_ALL

    home: Home = context.obj
    if customer and support:
        raise UsageProblem("--customer and --support exclude each other.")
    if not customer and not support:
        raise UsageProblem("Missing option '--customer' (or '--support').")
    scope = READ_ALL if support else ""
    print(home.environment.token(customer or support or "", ttl_s=ttl, scope=scope))
