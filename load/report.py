"""The verdict for people, at most 100 columns wide, and for machines."""

from dataclasses import asdict
from typing import Any

from load.verdict import Outcome, Verdict

WIDTH = 100
MOST_VIOLATIONS = 20
MEANING = {Outcome.HOLDS: "holds", Outcome.VIOLATED: "violated", Outcome.UNKNOWN: "unknown"}


def table(verdict: Verdict) -> str:
    lines = [f"{name:<45}{count:>10}" for name, count in verdict.counts.items()]
    shown = verdict.violations[:MOST_VIOLATIONS]
    for each in shown:
        lines.append(f"{each.kind:<10}{each.where:<13}{each.subject}"[:WIDTH])
        lines.append(f"{'':<10}{each.detail}"[:WIDTH])
    if len(verdict.violations) > len(shown):
        lines.append(f"and {len(verdict.violations) - len(shown)} more")
    title = f"Verdict: {MEANING[verdict.outcome]}, {verdict.reason}"[:WIDTH]
    return "\n".join([title, "-" * len(title), *lines])


def document(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": MEANING[verdict.outcome],
        "reason": verdict.reason,
        "counts": verdict.counts,
        "violations": [asdict(each) for each in verdict.violations],
    }
