"""bitacora rebuild: the read model anew, beside the live one, and then in its place."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from bitacora.cli.home import Home

if TYPE_CHECKING:
    from bitacora.targets import Target

EXIT_CODES = (
    "Exit codes: 0 done, 1 failed, or refused because the new tables are wrong, 2 wrong usage, "
    "130 interrupted."
)
PROJECTIONS = ("orders",)
ENDED = ("live", "refused")
# Invocations in a row that may fail; each slice has kept what it did.
FAILURES = 5
PAUSE_S = 1.0
# The scan has four segments. Below so many commits a second worker costs more than it brings.
MOST_WORKERS = 4
COMMITS_FOR_TWO = 20_000
DOING = {
    "scan": "folding the event store",
    "keys": "making keys and sums",
    "catch-up": "catching up",
    "compare": "comparing",
    "live": "swapped",
    "refused": "refused",
}


def rebuild(
    context: typer.Context,
    projection: Annotated[
        str, typer.Option(metavar="NAME", help=f"Which one: {', '.join(PROJECTIONS)}.")
    ] = "orders",
    anew: Annotated[
        bool, typer.Option("--anew", help="Give up what was built so far, and start again.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only tell how far a rebuild has come.")
    ] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Only drop what earlier rebuilds have replaced.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_WORKERS,
            help=f"How many scan side by side.  [default: 2 from {COMMITS_FOR_TWO:,} commits on]",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Fold the event store into new tables beside the live ones, compare, and swap.

    Readers and writers go on throughout. Interrupted, the same command goes on. What was replaced
    stays until --drop-old.
    """
    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem
    from bitacora.targets import invoke

    home: Home = context.obj
    if projection not in PROJECTIONS:
        raise UsageProblem(
            f"There is no projection {projection!r}.", f"There are: {', '.join(PROJECTIONS)}."
        )
    if sum((anew, status, drop_old)) > 1:
        raise UsageProblem("--anew, --status and --drop-old exclude each other.")
    target = home.target
    if drop_old:
        dropped = invoke(target, "operations", {"operation": "rebuild", "action": "drop-old"})
        told = dropped["dropped"]
        screen.print_json(dropped) if json else print(f"Dropped: {', '.join(told) or 'nothing'}.")
        return
    if status:
        document = invoke(target, "operations", {"operation": "rebuild", "action": "status"})
    else:
        document = {"rebuild": _rebuilt(home, target, workers, anew=anew)}
    if json:
        screen.print_json(document)
    else:
        print_rebuild(document["rebuild"])
    if not status and document["rebuild"]["phase"] != "live":
        raise typer.Exit(1)


def print_rebuild(rebuild: dict[str, Any] | None) -> None:
    """How far it has come, and what differs from the live tables."""
    from bitacora.cli.report import print_table

    if rebuild is None:
        print("Nothing is being rebuilt.")
        return
    names = ("generation", "version", "phase", "streams", "commits", "expected")
    rows = [(name, str(rebuild[name])) for name in names]
    print_table(("rebuild", ""), [*rows, ("seconds", f"{rebuild['elapsed_s']:.1f}")])
    if rebuild["differences"]:
        print()
        print_table(
            ("stream", "wrong", "detail"),
            [(one["stream"], one["wrong"], one["detail"]) for one in rebuild["differences"]],
            whole=("stream", "wrong"),
        )
    match rebuild["phase"]:
        case "live":
            print(f"\nThe tables of {rebuild['generation']} are live.")
        case "refused":
            print("\nThe new tables are wrong; the live ones stay. `--anew` starts again.")


def _rebuilt(home: Home, target: "Target", workers: int | None, *, anew: bool) -> dict[str, Any]:
    """The last progress. Raises Problem when slices fail, typer.Exit when interrupted."""
    action = "begin-anew" if anew else "begin"
    try:
        with _shown() as show:
            progress = _slice(target, {"action": action}, None)
            show(progress)
            workers = workers or (2 if progress["expected"] >= COMMITS_FOR_TWO else 1)
            while progress["phase"] not in ENDED:
                side_by_side = workers if progress["phase"] == "scan" else 1
                answers = []
                for answer in _slices(target, side_by_side, progress):
                    show(answer)
                    answers.append(answer)
                progress = max(answers, key=_how_far)
    except KeyboardInterrupt:
        told = "Interrupted. `bitacora rebuild` goes on from here; so does the scheduled reconcile."
        print(home.addressed(told), file=sys.stderr)
        raise typer.Exit(130) from None
    return progress


def _how_far(progress: dict[str, Any]) -> tuple[int, int]:
    return list(DOING).index(progress["phase"]), progress["commits"]


def _slices(target: "Target", workers: int, before: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers of one slice of each worker, as they come. Raises Problem."""
    answers: SimpleQueue[dict[str, Any] | Exception] = SimpleQueue()

    def work(worker: int) -> None:
        try:
            asked = {"action": "go-on", "worker": worker, "workers": workers}
            answers.put(_slice(target, asked, before))
        except Exception as fault:
            answers.put(fault)

    for worker in range(workers):
        # Ctrl-C need not wait for their answers.
        Thread(target=work, args=(worker,), daemon=True).start()
    for _ in range(workers):
        answer = answers.get()
        if isinstance(answer, Exception):
            raise answer
        yield answer


def _slice(
    target: "Target", asked: Mapping[str, Any], before: dict[str, Any] | None
) -> dict[str, Any]:
    from bitacora.embedded.problem import Problem
    from bitacora.targets import invoke

    for attempt in range(1, FAILURES + 1):
        try:
            answer = invoke(target, "operations", {"operation": "rebuild", **asked})
        except Problem as problem:
            if attempt == FAILURES:
                what = f"The rebuild stopped, {FAILURES} times in a row: {problem.what}"
                raise Problem(what, "What was built stays: `bitacora rebuild` goes on.") from None
            time.sleep(PAUSE_S)
            continue
        progress: dict[str, Any] | None = answer["rebuild"]
        if progress is not None:
            return progress
        assert before is not None, "what was begun tells how far it has come"
        return _ended(target, before)
    raise AssertionError("the last attempt returns or raises")


def _ended(target: "Target", before: dict[str, Any]) -> dict[str, Any]:
    """Another slice has swapped what we were building, or somebody gave it up."""
    from bitacora.embedded.problem import Problem
    from bitacora.targets import invoke

    now = invoke(target, "operations", {"operation": "rebuild", "action": "status"})
    if now["live"] != before["generation"]:
        raise Problem(f"{before['generation']} was given up by somebody else.")
    return {**before, "phase": "live"}


class _Show(Protocol):
    def __call__(self, progress: dict[str, Any]) -> None: ...


@contextmanager
def _shown() -> Iterator[_Show]:
    """A bar with rate and time left on a terminal, a line per phase elsewhere."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from bitacora.cli.screen import console

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of about {task.total:,.0f} commits, {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("", total=1, rate="")

        def show(progress: dict[str, Any]) -> None:
            rate = progress["commits"] / max(progress["elapsed_s"], 0.001)
            bar.update(
                task,
                description=DOING[progress["phase"]],
                completed=progress["commits"],
                total=max(progress["expected"], progress["commits"], 1),
                rate=f"{rate:,.0f} a second",
            )

        yield show


def _lines() -> _Show:
    last = ""

    def show(progress: dict[str, Any]) -> None:
        nonlocal last
        if progress["phase"] != last:
            last = progress["phase"]
            print(f"{DOING[last]} …", file=sys.stderr, flush=True)

    return show
