"""From operations to a report."""

from collections.abc import Collection, Iterable

from bitacora.audit.history.findings import PROMISES, Promise
from bitacora.audit.history.operations import Operation
from bitacora.audit.history.report import Report


def check(operations: Iterable[Operation], expect: Collection[Promise] = ()) -> Report:
    """Whether what was observed is possible; `expect` names promises that must be observed."""
    found = list(operations)
    return Report(
        verdict="unknown",
        promises=dict.fromkeys(PROMISES, "unknown"),
        findings=(),
        undecided=("Nothing is checked yet.",) if found or expect else (),
        counts={"operations": len(found)},
    )
