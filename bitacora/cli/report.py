"""What commands print: tables for people, JSON for programs, progress on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TextIO

from rich.status import Status as Spinner
from rich.text import Text

from bitacora.cli.home import Home
from bitacora.cli.screen import WIDTH, console
from bitacora.cli.screen import print_table as print_table
from bitacora.embedded import parts
from bitacora.embedded.demo import Journey
from bitacora.embedded.environment import Environment, Progress, Ready
from bitacora.embedded.status import PartStatus, Status


class Lines:
    """Progress where nobody watches: a line per step."""

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def step(self, text: str) -> None:
        print(f"{text} …", file=self.file, flush=True)

    def resource(self, text: str) -> None:
        """Too many for a log."""


class Live:
    """Progress on a terminal: one line that changes."""

    def __init__(self, spinner: Spinner) -> None:
        self.spinner = spinner
        self.current = ""
        self.resources = 0

    def step(self, text: str) -> None:
        self.current, self.resources = text, 0
        self.spinner.update(Text(text))

    def resource(self, text: str) -> None:
        self.resources += 1
        self.spinner.update(Text(f"{self.current}: {self.resources} · {text}"[: WIDTH - 4]))


@contextmanager
def progress(file: TextIO) -> Iterator[Progress]:
    """Where a long command tells what it does."""
    screen = console(file)
    if not screen.is_terminal:
        yield Lines(file)
        return
    with screen.status("") as spinner:
        yield Live(spinner)


def print_up(home: Home, ready: Ready, journey: Journey | None, *, timings: bool) -> None:
    """The end of `up`: what runs, what was made, where it is, and the order's way."""
    if ready.started.recovered:
        print(f"Brought back: {', '.join(ready.started.recovered)}.")
    print_table(
        ("service", "where", "pid", "memory"),
        [
            (part.title, _where(part), str(part.pid), _mb(part.memory_bytes))
            for part in home.environment.status().parts
        ],
    )
    print()
    counts = by_service(ready)
    print_table(("resources", "count"), [(name, str(count)) for name, count in counts.items()])
    print()
    for name, url in urls(home.environment, ready):
        print(f"{name:<31} {url}")
    print(f"\n{changes_line(ready)}")
    print(f"Ready in {ready.timings_s['ready']:.1f} s.")
    if timings:
        print()
        print_table(
            ("phase", "seconds"),
            [(name, f"{value:.2f}") for name, value in all_timings(ready).items()],
        )
    if journey:
        print()
        print_journey(journey)
        print_curl(home, journey)


def urls(environment: Environment, ready: Ready) -> list[tuple[str, str]]:
    """Where a person or another tool may go on."""
    return [
        ("orders API", ready.provisioned.exports["api_url"]),
        ("AWS endpoint (keys test/test)", environment.endpoint),
        ("token issuer", parts.issuer_url(ready.started.state)),
    ]


def changes_line(ready: Ready) -> str:
    """One sentence on what this run changed."""
    changes = ready.provisioned.changed
    if not changes:
        return "Nothing changed."
    created = sum(change.action == "created" for change in changes)
    updated = [change for change in changes if change.action != "created"]
    said = [f"{created} resources made"] if created else []
    if updated:
        said.append(f"updated in place: {', '.join(change.name for change in updated)}")
    return ("; ".join(said) + ".").capitalize()


def by_service(ready: Ready) -> dict[str, int]:
    """AWS service -> number of resources; components count for none."""
    counts: dict[str, int] = {}
    for kind, count in sorted(ready.provisioned.resources.items()):
        provider, _, rest = kind.partition(":")
        if provider == "aws":
            service = rest.partition("/")[0]
            counts[service] = counts.get(service, 0) + count
    return counts


def all_timings(ready: Ready) -> dict[str, float]:
    """Seconds per phase, the parts of `processes` (started side by side) before it."""
    started = {} if ready.started.recovered else ready.started.state.timings_s
    return {**{f"  {name}": value for name, value in started.items()}, **ready.timings_s}


def print_journey(journey: Journey) -> None:
    print_table(
        (f"order {journey.order_id}", "ms"),
        [
            (hop.name, f"{hop.ms:.0f}" if hop.ms is not None else f"not seen: {hop.last_seen}")
            for hop in journey.hops
        ],
    )


def print_curl(home: Home, journey: Journey) -> None:
    """A command that a person may paste to read the order."""
    token = home.addressed(f"bitacora token --customer {journey.customer_id}")
    print(
        f"\nRead it:\n  curl -s '{journey.order_url}' \\\n"
        f'    -H "Authorization: Bearer $({token})"'
    )


def print_status(home: Home, seen: Status) -> None:
    """One line per part, what is wrong below it, the sum, and what to do."""
    if seen.parts:
        rows = [
            (
                part.title,
                _state(part),
                str(part.pid or ""),
                str(part.port or ""),
                _mb(part.memory_bytes),
            )
            for part in seen.parts
        ]
        rows.append(
            (f"functions ({seen.workers} warm)", "", "", "", _mb(seen.workers_memory_bytes))
        )
        rows.append(("total", "", "", "", _mb(seen.memory_bytes)))
        print_table(("part", "state", "pid", "port", "memory (PSS)"), rows)
    else:
        print(f"No environment runs in {seen.home}.")
    for part in seen.parts:
        if part.detail:
            print(f"\n{part.title} {part.detail}")
    if seen.remedy:
        print(home.addressed(f"\n→ {seen.remedy}"))


def plain(seen: Status) -> dict[str, Any]:
    """The status as JSON has it."""
    return asdict(seen)


def up_document(environment: Environment, ready: Ready, journey: Journey | None) -> dict[str, Any]:
    """What `up --json` prints."""
    return {
        "home": str(environment.home),
        "afresh": ready.started.afresh,
        "recovered": ready.started.recovered,
        "resources": by_service(ready),
        "changes": [
            {"action": change.action, "type": change.type, "name": change.name}
            for change in ready.provisioned.changed
        ],
        "timings_s": {name.strip(): value for name, value in all_timings(ready).items()},
        "outputs": ready.provisioned.exports,
        "demo": journey_document(journey) if journey else None,
    }


def journey_document(journey: Journey) -> dict[str, Any]:
    """A demo order's way as JSON has it."""
    return {**asdict(journey), "complete": journey.complete}


def _state(part: PartStatus) -> str:
    if not part.healthy:
        return "down" if part.pid is None else "not answering"
    return f"up {age(part.up_since)}" if part.up_since else "up"


def age(since: str) -> str:
    """How long ago a moment is, with its largest units: "3 h 12 min"."""
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"


def _where(part: PartStatus) -> str:
    return f"127.0.0.1:{part.port}"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.0f} MB"
