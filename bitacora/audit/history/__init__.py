"""Is what the clients of versioned streams observed possible? `check(operations)` decides."""

from bitacora.audit.history.checker import check
from bitacora.audit.history.findings import Finding
from bitacora.audit.history.operations import Append, Operation, Read, Seen, Stored
from bitacora.audit.history.recorder import Recorder
from bitacora.audit.history.report import Report

__all__ = [
    "Append",
    "Finding",
    "Operation",
    "Read",
    "Recorder",
    "Report",
    "Seen",
    "Stored",
    "check",
]
