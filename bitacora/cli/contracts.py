"""bitacora contracts check | diff | generate | release | draft: the published language."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

# Nothing heavy is imported before a command needs it: `--help` must be quick.
CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
EXIT_CODES = (
    "Exit codes: 0 all is well, 1 refused (a finding, an incompatible or undecided comparison, a "
    "stale file), 2 wrong usage or unreadable input."
)

app = typer.Typer(
    help="The event contracts: check, compare, release, and generate what follows from them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
)


class ModeName(StrEnum):
    """The modes of bitacora.contracts.compatibility that ask something."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    FULL = "FULL"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


class ReadingName(StrEnum):
    CONTRACT = "contract"
    STRICT = "strict"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


class DiffFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


Contracts = Annotated[
    Path,
    typer.Option(
        "--contracts",
        metavar="DIR",
        help="Folder of the contracts.",
        show_default="contracts of the checkout",
    ),
]
NAMES = "A file, a schema like `order_placed/v2`, or one of a git revision: REF:order_placed/v2."


@app.command(epilog=EXIT_CODES)
def check(
    old: Annotated[str | None, typer.Argument(help=NAMES)] = None,
    new: Annotated[str | None, typer.Argument(help="The same: the newer one.")] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Also hold the folder against a git revision: what it released is unchanged.",
        ),
    ] = None,
    mode: Annotated[
        ModeName | None,
        typer.Option(
            help="What is asked of OLD and NEW; the folder's modes stand in compatibility.json.",
            show_default="BACKWARD",
        ),
    ] = None,
    reading: Annotated[
        ReadingName,
        typer.Option(
            help="contract: producers write what they describe, consumers pass over what they do "
            "not know. strict: both schemas as they stand."
        ),
    ] = ReadingName.CONTRACT,
    format_: Annotated[
        Format, typer.Option("--format", help="github: annotations for a workflow.")
    ] = Format.TEXT,
    contracts: Contracts = CONTRACTS,
) -> None:
    """Hold the folder to its rules, or compare two schemas.

    Without OLD and NEW: the whole folder, its lock and its past. Each refusal comes with the event
    that one side writes and the other refuses.
    """
    from bitacora.embedded.problem import UsageProblem

    if old is None:
        if mode is not None:
            what = "--mode goes with two schemas."
            raise UsageProblem(what, "What is asked of the folder stands in compatibility.json.")
        fine = _check_folder(contracts, against, reading, format_)
    elif new is None:
        raise UsageProblem("A second schema is missing.", "Write `check OLD NEW`.")
    elif against is not None:
        what = "--against goes with the whole folder."
        raise UsageProblem(what, f"Compare two schemas with `check {against}:NAME NAME`.")
    else:
        fine = _check_two(old, new, mode or ModeName.BACKWARD, reading, format_, contracts)
    if not fine:
        raise typer.Exit(1)


def _check_folder(
    contracts: Path, against: str | None, reading: ReadingName, format_: Format
) -> bool:
    from bitacora.cli import contracts_report
    from bitacora.contracts.check import check as check_folder
    from bitacora.contracts.reading import Reading
    from bitacora.contracts.revision import folder_at

    past = folder_at(contracts, against) if against is not None else None
    report = check_folder(contracts, past, Reading(reading.value))
    contracts_report.print_check(report, format_.value)
    return report.is_fine


def _check_two(
    old: str, new: str, mode: ModeName, reading: ReadingName, format_: Format, contracts: Path
) -> bool:
    from bitacora.cli import contracts_report
    from bitacora.contracts.compatibility import Mode, compare
    from bitacora.contracts.reading import Reading
    from bitacora.contracts.sides import side

    with _told():
        older, newer = side(old, contracts), side(new, contracts)
    candidates = [*older.examples, *newer.examples]
    comparison = compare(
        older.document, newer.document, Mode(mode.value), Reading(reading.value), candidates
    )
    contracts_report.print_comparison(older, newer, mode.value, comparison, format_.value)
    return comparison.verdict == "compatible"


@app.command(epilog=EXIT_CODES)
def diff(
    a: Annotated[str, typer.Argument(help=NAMES)],
    b: Annotated[str, typer.Argument(help="The same: the newer one.")],
    format_: Annotated[DiffFormat, typer.Option("--format")] = DiffFormat.TEXT,
    contracts: Contracts = CONTRACTS,
) -> None:
    """Explain what changed, and who can read on.

    First the change from A to B in words, then the verdict for both directions. Exit code 0
    whatever changed.
    """
    from bitacora.cli import contracts_report
    from bitacora.contracts.changes import changes
    from bitacora.contracts.compatibility import Mode, compare
    from bitacora.contracts.sides import side

    with _told():
        older, newer = side(a, contracts), side(b, contracts)
    candidates = [*older.examples, *newer.examples]
    comparison = compare(older.document, newer.document, Mode.FULL, candidates=candidates)
    found = changes(older.document, newer.document)
    contracts_report.print_diff(older, newer, found, comparison, format_.value)


@app.command(epilog=EXIT_CODES)
def generate(
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when a file is stale.")
    ] = False,
    contracts: Contracts = CONTRACTS,
) -> None:
    """Write what follows from the contracts.

    Types, AsyncAPI and OpenAPI documents, event patterns, filter policies and the catalogue.
    """
    from bitacora.cli import contracts_report
    from bitacora.contracts.documents import ContractFault
    from bitacora.contracts.generate import stale, write
    from bitacora.embedded.problem import Problem, UsageProblem

    if not contracts.is_dir() or contracts.resolve().name != "contracts":
        what = f"{contracts} is no folder `contracts` of a project."
        raise UsageProblem(what, "Files are generated around it, by the project's pyproject.toml.")
    project = contracts.resolve().parent
    try:
        files = stale(project) if only_check else write(project)
    except ContractFault as fault:
        raise Problem(f"{fault}.", "`bitacora contracts check` tells everything.") from fault
    contracts_report.print_generated(files, project, written=not only_check)
    if only_check and files:
        raise typer.Exit(1)


@app.command(epilog=EXIT_CODES)
def release(contracts: Contracts = CONTRACTS) -> None:
    """Add what is new to released.lock.

    Only when nothing is wrong. From then on a released file never changes.
    """
    from bitacora.cli import contracts_report
    from bitacora.contracts.check import check as check_folder
    from bitacora.contracts.lock import release as move_the_lock

    report = check_folder(contracts)
    if not report.is_fine:
        contracts_report.print_check(report, Format.TEXT.value)
        typer.echo("Nothing was released.")
        raise typer.Exit(1)
    contracts_report.print_released(move_the_lock(contracts, report.folder))


@app.command(epilog=EXIT_CODES)
def draft(
    name: Annotated[str, typer.Argument(help="order_cancelled, or internal/order_cancelled.")],
    contracts: Contracts = CONTRACTS,
) -> None:
    """Begin the next version of a schema.

    As a copy of the newest one, which is released; says what to edit.
    """
    from bitacora.cli import contracts_report
    from bitacora.contracts.draft import draft as make_draft

    contracts_report.print_draft(make_draft(contracts, name), contracts)


@contextmanager
def _told() -> Iterator[None]:
    """A schema that cannot be read is wrong usage of a command that names it."""
    from bitacora.contracts.documents import ContractFault
    from bitacora.embedded.problem import UsageProblem

    try:
        yield
    except ContractFault as fault:
        place = fault.where + (f":{fault.line}" if fault.line else "")
        at = f" at {fault.pointer}" if fault.pointer else ""
        raise UsageProblem(f"{place}{at}: {fault.what}.") from fault
