"""bitacora parked | repair | republish: streams that a consumer could not go on with."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitacora.cli.home import Home

if TYPE_CHECKING:
    from bitacora.recovery.healing import Heal, Outcome
    from bitacora.targets import Target
    from reference_service.cqrs.parking import Parked

PARKED_CODES = "Exit codes: 0 nothing is parked, 1 something is, 2 wrong usage."
HEALED_CODES = "Exit codes: 0 healed, 1 something is still parked, 2 wrong usage, 130 interrupted."
# A table that a person reads; all of them are in the JSON document.
SHOWN = 50
REASON_CHARACTERS = 80

Streams = Annotated[list[str] | None, typer.Argument(metavar="STREAM…", help="Like order-<uuid>.")]
All = Annotated[bool, typer.Option("--all", help="Every stream that is parked now.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def parked(
    context: typer.Context,
    stream: Annotated[
        str | None, typer.Argument(metavar="STREAM", help="One in full; all of them without.")
    ] = None,
    json: Json = False,
) -> None:
    """Which streams a consumer could not go on with: at which commit, why and since when."""
    from dataclasses import asdict

    from bitacora.cli import screen
    from bitacora.recovery import healing

    home: Home = context.obj
    target = home.target
    found = [one for one in healing.parked(target) if stream is None or one.stream == stream]
    if stream is not None:
        _in_full(target, found, stream, json=json)
    elif json:
        screen.print_json({"parked": [asdict(one) for one in found]})
    else:
        _print_parked(home, found)
    if found:
        raise typer.Exit(1)


def repair(
    context: typer.Context, streams: Streams = None, all_: All = False, json: Json = False
) -> None:
    """Apply what the event store has to every read model, from where each stopped.

    A stream that the relay parked is published again too. May be repeated, in any order.
    """
    _heal(context.obj, "repair", streams or [], all_=all_, json=json)


def republish(
    context: typer.Context, streams: Streams = None, all_: All = False, json: Json = False
) -> None:
    """Publish every public event of a stream again, with the same ids.

    A stream that the relay parked is repaired too. May be repeated, in any order.
    """
    _heal(context.obj, "republish", streams or [], all_=all_, json=json)


def _heal(home: Home, heal: "Heal", streams: list[str], *, all_: bool, json: bool) -> None:
    from dataclasses import asdict

    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem
    from bitacora.recovery import healing

    if bool(streams) == all_ or "" in streams:
        raise UsageProblem("Which streams?", f"Name some, or say `bitacora {heal} --all`.")
    target, done = home.target, list["Outcome"]()
    try:
        chosen = healing.concerned(target, heal) if all_ else list(dict.fromkeys(streams))
        for outcome in _watched(heal, healing.healed(target, heal, chosen), len(chosen)):
            done.append(outcome)
    except KeyboardInterrupt:
        print(f"Interrupted after {len(done)} streams; they are done.", file=sys.stderr)
        raise typer.Exit(130) from None
    if json:
        screen.print_json({"streams": [{**asdict(one), "healed": one.healed} for one in done]})
    else:
        _print_healed(done)
    if not all(one.healed for one in done):
        raise typer.Exit(1)


def _print_parked(home: Home, found: "list[Parked]") -> None:
    from bitacora.cli.report import age, print_table

    if not found:
        print("Nothing is parked.")
        return
    print_table(
        ("stream", "consumer", "commit", "for", "reason"),
        [
            (
                one.stream,
                one.consumer,
                str(one.commit),
                age(one.since) if one.since else "not known",
                _short(one),
            )
            for one in found[:SHOWN]
        ],
        whole=("stream", "commit", "for"),
    )
    if len(found) > SHOWN:
        print(f"… and {len(found) - SHOWN} more: --json has them all.")
    print(
        home.addressed(
            "\n→ `bitacora parked STREAM` tells all of one. When the cause is mended:"
            "\n  `bitacora repair --all` and `bitacora republish --all`."
        )
    )


def _in_full(target: "Target", found: "list[Parked]", stream: str, *, json: bool) -> None:
    """The markers of one stream, each with the commit that its consumer stopped at."""
    from dataclasses import asdict

    from bitacora.cli import screen
    from bitacora.recovery.healing import envelope

    told = [{**asdict(one), **envelope(target, stream, one.commit)} for one in found]
    if json:
        screen.print_json({"parked": told})
        return
    for one in told:
        print(f"{one['consumer']} stopped at commit {one['commit']} of {stream}")
        print(f"  since   {one['since'] or 'not known'}\n  reason  {one['reason']}")
        print("  " + "\n  ".join(_lines(one)) + "\n")
    if not told:
        print(f"{stream} is not parked.")


def _lines(told: dict[str, Any]) -> Iterable[str]:
    if told["fault"]:
        return [f"commit  not readable: {told['fault']}"]
    if told["envelope"] is None:
        return ["commit  not in the event store"]
    shown = {
        name: ", ".join(value) if isinstance(value, list) else value
        for name, value in told["envelope"].items()
        if name not in ("stream", "commit") and value != ""
    }
    width = max(map(len, shown))
    return ["commit", *(f"  {name:<{width}}  {value}" for name, value in shown.items())]


def _print_healed(done: "list[Outcome]") -> None:
    from bitacora.cli.report import print_table

    if not done:
        print("Nothing is parked.")
        return
    print_table(
        ("stream", "what", "from", "to", "still parked"),
        [row for one in done[:SHOWN] for row in _rows(one)],
        whole=("stream", "what", "from", "to"),
    )
    if len(done) > SHOWN:
        print(f"… and {len(done) - SHOWN} more: --json has them all.")
    still = sum(not one.healed for one in done)
    print(f"\n{len(done) - still} of {len(done)} streams are healed.")


def _rows(one: "Outcome") -> list[list[str]]:
    """A row for each step, and for whoever still stops without one."""
    if one.fault:
        return [[one.stream, "", "", "", one.fault]]
    parked = dict(one.parked or {})
    rows = [[name, str(start), str(end), parked.pop(name, "no")] for name, start, end in one.steps]
    rows += [[name, "", "", reason] for name, reason in parked.items()]
    return [[one.stream if not n else "", *row] for n, row in enumerate(rows)]


def _short(one: "Parked") -> str:
    reason = " ".join(one.reason.split())
    return reason if len(reason) <= REASON_CHARACTERS else f"{reason[: REASON_CHARACTERS - 1]}…"


def _watched(heal: str, outcomes: "Iterable[Outcome]", of: int) -> "Iterable[Outcome]":
    """How far it is, on a terminal alone."""
    from bitacora.cli.screen import console

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield from outcomes
        return
    with screen.status("") as spinner:
        for number, outcome in enumerate(outcomes, 1):
            spinner.update(f"{heal}: {number} of {of} streams")
            yield outcome
