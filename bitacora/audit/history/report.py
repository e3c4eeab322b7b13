"""What the checker says of a history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bitacora.audit.history.findings import Finding, Promise

Verdict = Literal["holds", "violated", "unknown"]


@dataclass(frozen=True)
class Report:
    """`promises` has the verdict on each; one of which nothing was observed is unknown.

    `verdict` is over those that were observed and those that were expected: violated if one is,
    unknown if one is or if nothing was observed at all. `undecided` says what could not be decided.
    """

    verdict: Verdict
    promises: Mapping[Promise, Verdict]
    findings: tuple[Finding, ...]
    undecided: tuple[str, ...]
    counts: Mapping[str, int]
