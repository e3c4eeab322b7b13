"""What is no operation: told with its place, never skipped."""

from bitacora.audit.history.operations import CONFLICT, Append, Operation, Read, Seen, Stored


class Malformed(ValueError):
    """`line` counts from 1; None where no line is to blame. `remedy` says what to do."""

    def __init__(self, what: str, remedy: str, line: int | None = None) -> None:
        super().__init__(what if line is None else f"Line {line}: {what}")
        self.what = what
        self.remedy = remedy
        self.line = line


class Contradictory(Exception):
    """An operation whose fields can't stand together; who knows its line makes it Malformed."""

    def __init__(self, operation: Operation, what: str, remedy: str) -> None:
        super().__init__(what)
        self.operation = operation
        self.what = what
        self.remedy = remedy


def refuse_contradiction(operation: Operation) -> None:
    """Raises Contradictory unless the fields of an operation can stand together."""
    wrong = _wrong(operation)
    if wrong:
        raise Contradictory(operation, *wrong)


def _wrong(operation: Operation) -> tuple[str, str] | None:
    match operation:
        case Append() | Read() if not operation.invoked <= operation.returned:
            return (
                f"It returned ({operation.returned:g}) before it was invoked"
                f" ({operation.invoked:g}).",
                "Take both times from one monotonic clock, in seconds.",
            )
        case Append():
            return _wrong_append(operation)
        case Read(outcome="ok", version=None):
            return "A read that is ok needs its version.", "Write the version that it was told."
        case Read(outcome="failed" | "unknown") if operation.version is not None:
            return (
                f"A read that is {operation.outcome} was told no version.",
                'Leave out "version", or make the outcome "ok".',
            )
        case Stored() if operation.published is not None:
            last = operation.first + operation.count - 1
            if any(not operation.first <= version <= last for version in operation.published):
                return (
                    f'"published" names a version outside of {operation.first} to {last}.',
                    "Name versions of this commit's own events.",
                )
        case Seen() if operation.event is not None and operation.version == 0:
            return "No event has version 0.", "Write the version of the event."
    return None


def _wrong_append(append: Append) -> tuple[str, str] | None:
    told = append.version is not None or append.count is not None
    if append.outcome == "ok":
        if append.version is None or append.count is None:
            return (
                "An append that is ok needs its version and its count.",
                "Write both as they were told.",
            )
    elif append.outcome == "unknown" and told:
        return (
            "An append that is unknown was told neither version nor count.",
            'Leave both out, or make the outcome "ok".',
        )
    elif append.count is not None or (told and append.reason != CONFLICT):
        return (
            "An append that failed was told no count, and a version only with a conflict.",
            'Leave them out, or make the reason "conflict".',
        )
    if append.reason and append.outcome != "failed":
        return "Only an append that failed has a reason.", 'Leave out "reason".'
    return None
