"""The page: a table of the thirty promises, and for each scenario what happened in it.

One file without anything from elsewhere: no script, no font, no picture that is not in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from features.harness.promises import PROMISES
from features.report.telling import Told
from features.report.timeline import drawn

# What weighs most of several verdicts on one promise comes first.
VERDICTS = ("violated", "unknown", "holds", "not applicable", "not run")
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #2a8a4a; --bad: #c8322b;
  --doubt: #b07d10; --none: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0 } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .25em .6em; border-bottom: 1px solid var(--line);
  vertical-align: top } td.n { text-align: right; font-variant-numeric: tabular-nums }
.holds { color: var(--good) } .violated { color: var(--bad); font-weight: 600 }
.unknown { color: var(--doubt); font-weight: 600 } .not { color: var(--none) }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5em 0; padding: .4em .8em }
summary { cursor: pointer } pre { white-space: pre-wrap; background: var(--soft); padding: .6em }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif } svg text { fill: currentColor }
.grey { opacity: .65 }
"""


def page(scenarios: Sequence[Told], facts: dict[str, str]) -> str:
    """The whole document. `facts` are told under its heading, by name."""
    named = " · ".join(f"{escape(name)} {escape(value)}" for name, value in facts.items())
    return "\n".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>The promises: {overall(scenarios)}</title><style>{STYLE}</style>",
            f"<h1>The promises: {_coloured(overall(scenarios))}</h1>",
            f'<p class="grey">{named}</p>',
            _promises(scenarios),
            _faults(scenarios),
            _picture(scenarios),
            "<h2>Scenarios</h2>",
            *map(_scenario, scenarios),
            "</html>",
        )
    )


def overall(scenarios: Iterable[Told]) -> str:
    """Violated if one is; unknown if one is, or if nothing was run; else holds."""
    verdicts = {each["verdict"] for each in scenarios}
    return next((one for one in VERDICTS[:3] if one in verdicts), "unknown")


def by_promise(scenarios: Iterable[Told]) -> dict[int, tuple[str, list[Told]]]:
    """Number → verdict over its scenarios, and these."""
    kept: dict[int, list[Told]] = {number: [] for number in PROMISES}
    for each in scenarios:
        if each["promise"]:
            kept[each["promise"]].append(each)
    return {
        number: (
            next((v for v in VERDICTS if v in {one["verdict"] for one in some}), "not run"),
            some,
        )
        for number, some in kept.items()
    }


def _promises(scenarios: Sequence[Told]) -> str:
    rows = [
        f'<tr><td class="n">{number}</td><td>{escape(PROMISES[number])}</td>'
        f"<td>{_coloured(verdict)}</td><td>{_struck(some)}</td>"
        f'<td class="n">{sum(one["seconds"] for one in some):.1f} s</td></tr>'
        for number, (verdict, some) in by_promise(scenarios).items()
    ]
    head = "<tr><th></th><th>promise</th><th>verdict</th><th>faults</th><th>time</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _struck(some: Iterable[Told]) -> str:
    counts = sum((Counter(one["faults"]) for one in some), Counter[str]())
    return "<br>".join(f"{escape(name)} × {count}" for name, count in counts.items())


def _faults(scenarios: Iterable[Told]) -> str:
    counts = sum((Counter(one["faults"]) for one in scenarios), Counter[str]())
    if not counts:
        return ""
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{count}</td></tr>'
        for name, count in counts.most_common()
    )
    return f"<h2>What went wrong on purpose</h2><table>{rows}</table>"


def _picture(scenarios: Sequence[Told]) -> str:
    """Of the scenario in which most struck one order."""
    drawable = [one for one in scenarios if one.get("timeline")]
    if not drawable:
        return ""
    shown = max(drawable, key=lambda one: (len(one["timeline"]["strikes"]), one["seconds"]))
    return f"<h2>One order under faults: {escape(shown['scenario'])}</h2>{drawn(shown['timeline'])}"


def _scenario(told: Told) -> str:
    steps = "".join(
        f'<tr><td class="grey">{escape(step["keyword"])}</td><td>{escape(step["name"])}</td>'
        f'<td class="n">{step["seconds"]:.2f} s</td>'
        f"<td>{'' if step['status'] == 'passed' else _coloured('violated', 'failed')}</td></tr>"
        for step in told["steps"]
    )
    number = f"{told['promise']} · " if told["promise"] else ""
    reason = f"<pre>{escape(told['reason'])}</pre>" if told["reason"] else ""
    seen = ", ".join(f"{count} {escape(what)}" for what, count in told["observed"].items())
    checked = ", ".join(
        f"{escape(name)} {_coloured(verdict)}" for name, verdict in told.get("history", {}).items()
    )
    picture = drawn(told["timeline"]) if told.get("timeline") else ""
    return (
        f"<details{'' if told['verdict'] in ('holds', 'not applicable') else ' open'}>"
        f"<summary>{number}{escape(told['scenario'])}: {_coloured(told['verdict'])} "
        f'<span class="grey">{escape(told["feature"])}, {told["seconds"]:.1f} s</span></summary>'
        f"{reason}<table>{steps}</table>"
        f"<p>Observed: {seen or 'nothing'}.{f' History: {checked}.' if checked else ''}</p>"
        f'{picture}<p class="grey">{escape(told["replay"])}</p></details>'
    )


def _coloured(verdict: str, text: str = "") -> str:
    return f'<span class="{verdict}">{escape(text or verdict)}</span>'
