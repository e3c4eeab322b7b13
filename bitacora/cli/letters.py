"""bitacora dead-letters | redrive: messages that nobody could handle."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bitacora.cli.home import Home

if TYPE_CHECKING:
    from bitacora.recovery.letters import Letter, Queue
    from bitacora.recovery.redrive import Redriven
    from bitacora.targets import Target

LISTED_CODES = "Exit codes: 0 no dead letters, 1 there are some, 2 wrong usage."
REDRIVEN_CODES = "Exit codes: 0 done, 1 a message is still there, 2 wrong usage, 130 interrupted."
SHOWN_FAULTS = 20

Messages = Annotated[
    list[str] | None, typer.Argument(metavar="MESSAGE_ID…", help="These messages alone.")
]


def dead_letters(
    context: typer.Context,
    queue: Annotated[
        str | None, typer.Argument(metavar="QUEUE", help="One queue; all of them without.")
    ] = None,
    messages: Messages = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many messages are looked at.")
    ] = 20,
    body: Annotated[bool, typer.Option("--body", help="Print them whole.")] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep them in a new file, as JSON lines.")
    ] = None,
    delete_saved: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Delete from the queue what --save kept there."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Which queues hold messages that nobody could handle, and what these are.

    Looking hides messages for a moment and takes none. What customers say is printed by --body
    alone.
    """
    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem
    from bitacora.recovery import letters, saved

    home: Home = context.obj
    if queue is None:
        if save or delete_saved or body:
            raise UsageProblem("Which queue?", "Name one of `bitacora dead-letters`.")
        _list(home, json=json)
        return
    if save and delete_saved:
        raise UsageProblem("--save and --delete-saved exclude each other: look between them.")
    target = home.target
    which = letters.queue(target, queue)
    if delete_saved:
        deleted, kept = saved.delete_saved(target, which, delete_saved)
        _deleted(deleted, kept, json=json)
        return
    found = _looked_at(target, which, messages or [], limit)
    if save and found:
        saved.save(save, which, found)
        print(f"{len(found)} messages are in {save}, and still in {queue}.", file=sys.stderr)
    if json:
        screen.print_json(
            {"queue": queue, "messages": [_document(letter, whole=body) for letter in found]}
        )
    else:
        _print_letters(home, which, found, limit, whole=body)
    if found:
        raise typer.Exit(1)


def redrive(
    context: typer.Context,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="As `dead-letters` names it.")],
    messages: Messages = None,
    all_: Annotated[bool, typer.Option("--all", help="Every message that is there now.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Send dead letters once more to whom they were meant for; each is deleted when it was sent.

    A message that comes back meanwhile is not sent again.
    """
    from dataclasses import asdict

    from bitacora.cli import screen
    from bitacora.embedded.problem import UsageProblem
    from bitacora.recovery import letters
    from bitacora.recovery.redrive import Redriven
    from bitacora.recovery.redrive import redrive as sent_again

    home: Home = context.obj
    if bool(messages) == all_ or "" in (messages or []):
        raise UsageProblem(
            "Which messages?", f"Name some, or say `bitacora redrive {queue} --all`."
        )
    target = home.target
    which, done = letters.queue(target, queue), Redriven()
    try:
        with _telling() as tell:
            done = sent_again(target, which, messages or [], tell)
    except KeyboardInterrupt:
        told = "Interrupted. What was sent is deleted, but for the last messages perhaps."
        print(told, file=sys.stderr)
        raise typer.Exit(130) from None
    if json:
        screen.print_json({"queue": queue, **asdict(done)})
    else:
        _print_redriven(which, done)
    if not done.complete:
        raise typer.Exit(1)


def _list(home: Home, *, json: bool) -> None:
    from dataclasses import asdict

    from bitacora.cli import screen
    from bitacora.cli.report import age, print_table
    from bitacora.recovery import letters

    found = letters.waiting(home.target)
    if json:
        screen.print_json({"queues": [asdict(one) for one in found]})
    elif not found:
        print("No queue holds dead letters.")
    else:
        print_table(
            ("queue", "messages", "being handled", "oldest sent"),
            [
                (
                    one.queue,
                    str(one.messages),
                    str(one.held),
                    f"{age(one.oldest)} ago" if one.oldest else "not seen",
                )
                for one in found
            ],
        )
        told = "\nCounts are approximate. `bitacora dead-letters QUEUE` shows the messages of one."
        print(home.addressed(told))
    if found:
        raise typer.Exit(1)


def _looked_at(target: "Target", queue: "Queue", ids: Sequence[str], limit: int) -> "list[Letter]":
    """Raises Problem when one of the ids was not found, however many messages there are."""
    from bitacora.embedded.problem import Problem
    from bitacora.recovery.letters import Reading, answered

    found = []
    with answered(queue.key), Reading(target.client("sqs"), queue) as reading:
        if not ids:
            return list(reading.letters(limit))
        for letter in reading.letters():
            if letter.id in ids:
                found.append(letter)
            if len(found) == len(set(ids)):
                return found
    missing = sorted(set(ids) - {letter.id for letter in found})
    raise Problem(f"{queue.key} has no message {', '.join(missing)} (any more).")


def _print_letters(
    home: Home, queue: "Queue", found: "list[Letter]", limit: int, *, whole: bool
) -> None:
    from bitacora.recovery.content import content, reasons

    for letter in found:
        told = content(letter)
        print(f"{letter.id}  {told.kind}")
        for line in filter(None, (told.id, told.about, reasons(letter))):
            print(f"  {line}")
        print(f"  sent {letter.sent}, received {letter.received} times")
        if whole:
            print(f"  {letter.body}")
    if not found:
        print(f"{queue.key}: no message was found.")
        return
    more = ", the limit" if len(found) == limit else ""
    print(f"\n{len(found)} messages{more}. A queue shows what it likes: there may be others.")
    print(home.addressed(f"→ `bitacora redrive {queue.key} --all` sends them once more."))


def _document(letter: "Letter", *, whole: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from bitacora.recovery.content import content, reasons

    return {
        "id": letter.id,
        "sent": letter.sent,
        "received": letter.received,
        "content": asdict(content(letter)),
        "reasons": reasons(letter),
        **({"body": letter.body} if whole else {}),
    }


def _deleted(deleted: list[str], kept: dict[str, str], *, json: bool) -> None:
    from bitacora.cli import screen

    if json:
        screen.print_json({"deleted": deleted, "kept": kept})
    else:
        print(f"{len(deleted)} messages deleted.")
        _print_faults("not deleted", kept)
    if kept:
        raise typer.Exit(1)


def _print_redriven(queue: "Queue", done: "Redriven") -> None:
    print(f"{queue.key}: {len(done.sent)} messages sent once more.")
    _print_faults("not sent, still there", done.kept)
    _print_faults("sent, but still there: a redrive repeats it", done.repeated)
    _print_faults("not found", dict.fromkeys(done.missing, "no message has this id (any more)"))


def _print_faults(what: str, faults: dict[str, str]) -> None:
    if faults:
        print(f"\n{len(faults)} {what}:")
    for message, why in list(faults.items())[:SHOWN_FAULTS]:
        print(f"  {message}  {why}")
    if len(faults) > SHOWN_FAULTS:
        print(f"  … and {len(faults) - SHOWN_FAULTS} more")


@contextmanager
def _telling() -> "Iterator[Callable[[Redriven], None]]":
    """How far it is, on a terminal alone."""
    from bitacora.cli.screen import console

    screen = console(sys.stderr)
    if not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status("") as spinner:
        yield lambda done: spinner.update(f"{len(done.sent)} sent, {len(done.kept)} not sent")
