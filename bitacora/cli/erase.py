"""bitacora erase: a customer's personal data."""

import sys
from typing import Annotated, Any

import typer

from bitacora.cli.home import Home

EXIT_CODES = "Exit codes: 0 erased, or there was nothing, 1 not done or not known, 2 wrong usage."


def erase(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Destroy the key that a customer's personal data is sealed with. Nobody can take that back.

    Orders stay, without an address. Repeated it changes nothing, and finishes what was left undone.
    """
    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem
    from bitacora.targets import invoke
    from reference_service.aws.http_api import is_customer

    home: Home = context.obj
    if not is_customer(customer):
        raise UsageProblem(
            f"{customer!r} can't be a customer's id.", "It is the subject of the customer's tokens."
        )
    target = home.target
    if not yes:
        _confirm(customer)
    done = invoke(target, "erasure", {"operation": "erase", "customer": customer})
    if json:
        screen.print_json({"customer": customer, **done})
    else:
        _print(customer, done)


def _confirm(customer: str) -> None:
    """Raises UsageProblem where nobody can be asked, and Exit for a no."""
    from bitacora.embedded.problem import UsageProblem

    if not sys.stdin.isatty():
        raise UsageProblem("Nobody can be asked whether that is meant.", "Say it with --yes.")
    if not typer.confirm(f"Erase the personal data of {customer} for good?", err=True):
        print("Nothing was done.", file=sys.stderr)
        raise typer.Exit(1)


def _print(customer: str, done: dict[str, Any]) -> None:
    if not done["version"]:
        print(f"There is nothing personal of {customer}: no key was ever made.")
        return
    print(f"Erased: nothing that was stored of {customer} until now can be opened any more.")
    told = f"commit {done['commit']} of customer-{customer}"
    print(f"{len(done['destroyed'])} of their keys destroyed so far; {told} tells of the last.")
