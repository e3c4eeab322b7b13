"""The life of one order as a picture: what was asked, told and stored, and what struck."""

from collections.abc import Iterator
from html import escape

from features.report.telling import Told

WIDTH, LEFT, RIGHT = 1040, 150, 20
ROW, TOP, BAR = 22, 30, 12
COLOURS = {
    "done": "var(--good)",
    "refused": "var(--none)",
    "not yet": "var(--doubt)",
    "unknown": "var(--bad)",
}
STRUCK = "var(--bad)"
# About as many marks of time as can be read.
MARKS = 10


def drawn(timeline: Told) -> str:
    """An SVG. A row for each customer's commands and reads, one for what was stored, one for the
    faults; time goes to the right."""
    scale = _Scale(_last(timeline))
    rows = [*_asked(timeline, scale), _stored(timeline, scale), _struck(timeline, scale)]
    height = TOP + ROW * len(rows) + 30
    shapes = "".join(
        f'<g transform="translate(0 {TOP + ROW * number})"><text x="{LEFT - 8}" y="{BAR - 2}" '
        f'text-anchor="end">{escape(name)}</text>{"".join(found)}</g>'
        for number, (name, found) in enumerate(rows)
    )
    title = f"{escape(timeline['stream'])}, seconds since the scenario began"
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img"><title>{title}</title>'
        f'<text x="{LEFT}" y="12">{title}</text>{"".join(_marks(scale, height))}{shapes}'
        f"{_key(height)}</svg>"
    )


class _Scale:
    def __init__(self, last_s: float) -> None:
        self.last_s = max(last_s, 0.1)

    def __call__(self, seconds: float) -> float:
        at = min(max(seconds, 0.0), self.last_s)
        return round(LEFT + at / self.last_s * (WIDTH - LEFT - RIGHT), 1)


def _last(timeline: Told) -> float:
    ends = [each["ended"] for each in timeline["exchanges"]]
    ends += [each["at"] for each in (*timeline["commits"], *timeline["strikes"])]
    return float(max(ends, default=0.0))


def _marks(scale: _Scale, height: int) -> Iterator[str]:
    step = next(
        each for each in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 600) if scale.last_s / each <= MARKS
    )
    for number in range(int(scale.last_s / step) + 1):
        x = scale(number * step)
        yield (
            f'<line x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{height - 26}" stroke="var(--line)"/>'
            f'<text x="{x}" y="{TOP - 6}" text-anchor="middle" class="grey">'
            f"{number * step:g}</text>"
        )


def _asked(timeline: Told, scale: _Scale) -> Iterator[tuple[str, list[str]]]:
    customers = dict.fromkeys(each["who"] for each in timeline["exchanges"])
    for number, customer in enumerate(customers, 1):
        who = "customer" if len(customers) == 1 else f"customer {number}"
        own = [each for each in timeline["exchanges"] if each["who"] == customer]
        for name, reads in (("commands", False), ("reads", True)):
            if some := [each for each in own if (each["what"] == "reads") is reads]:
                yield f"{who}'s {name}", [_bar(each, scale) for each in some]


def _bar(exchange: Told, scale: _Scale) -> str:
    x = scale(exchange["began"])
    width = max(scale(exchange["ended"]) - x, 2)
    version = exchange["version"]
    told = f"{exchange['what']}: {exchange['outcome']}, {exchange['told']}"
    label = "" if version is None or width < 8 else f"{version}"
    return (
        f"<g><title>{escape(told)}{'' if version is None else f', version {version}'}</title>"
        f'<rect x="{x}" width="{width:.1f}" height="{BAR}" rx="2" fill-opacity=".75" '
        f'fill="{COLOURS[exchange["outcome"]]}"/>'
        f'<text x="{x + 3}" y="{BAR - 2}">{label}</text></g>'
    )


def _stored(timeline: Told, scale: _Scale) -> tuple[str, list[str]]:
    return "event store", [
        f"<g><title>commit {each['commit']} makes version {each['version']}</title>"
        f'<circle cx="{scale(each["at"])}" cy="{BAR / 2}" r="5" fill="currentColor"/>'
        f'<text x="{scale(each["at"]) + 7}" y="{BAR - 2}">{each["version"]}</text></g>'
        for each in timeline["commits"]
    ]


def _struck(timeline: Told, scale: _Scale) -> tuple[str, list[str]]:
    return "faults", [
        f"<g><title>{escape(each['fault'])} at {each['at']} s</title>"
        f'<path d="M{scale(each["at"])} 0 l5 {BAR} h-10 z" fill="{STRUCK}"/></g>'
        for each in timeline["strikes"]
    ]


def _key(height: int) -> str:
    parts, x = [], LEFT
    for name, colour in COLOURS.items():
        parts.append(
            f'<rect x="{x}" y="{height - 18}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 14}" y="{height - 9}">{name}</text>'
        )
        x += 90
    return "".join(parts)
