"""What was observed of each stream, sorted by what it bears witness of."""

from collections.abc import Iterable

from msgspec import Struct

from bitacora.audit.history.malformed import refuse_contradiction
from bitacora.audit.history.operations import Append, Operation, Read, Seen, Stored


class Observed(Struct, gc=False):
    """`attempts` has the first attempt of each command, `repeated` all of those with several.

    `reached[v]` is the read or conflict that was the first to return with version v: the stream was
    there by then. `left[v]` is the strong one that was the last to be invoked: only after that may
    the stream have left v. `reads[who]` is the last eventual read of a client and place.
    """

    attempts: dict[str, Append]
    repeated: dict[str, list[Append]]
    reached: dict[int, Append | Read]
    left: dict[int, Append | Read]
    reads: dict[tuple[str, str], Read]
    suspicious: set[tuple[str, str]]
    stale: list[Read]
    compared: int = 0
    tokens: int = 0
    strong: int = 0
    stored: list[Stored] = []
    seen: list[Seen] = []


def observe(history: Iterable[Operation]) -> dict[str, Observed]:
    """By stream. Raises Contradictory for an operation that can't be."""
    streams: dict[str, Observed] = {}
    for operation in history:
        observed = streams.get(operation.stream)
        if observed is None:
            observed = Observed({}, {}, {}, {}, {}, set(), [])
            streams[operation.stream] = observed
        if type(operation) is Append:
            if operation.outcome == "ok":  # most of them: a shorter way to the same refusals
                if (
                    operation.version is None
                    or operation.count is None
                    or operation.reason
                    or not operation.invoked <= operation.returned
                ):
                    refuse_contradiction(operation)
            else:
                refuse_contradiction(operation)
                if operation.version is not None and operation.version != operation.expected:
                    _told(observed, operation, operation.version)
            first = observed.attempts.setdefault(operation.command, operation)
            if first is not operation:
                observed.repeated.setdefault(operation.command, [first]).append(operation)
        elif type(operation) is Read:
            version = operation.version
            if version is None or operation.outcome != "ok":
                refuse_contradiction(operation)
            elif operation.invoked <= operation.returned:
                _read(observed, operation, version)
            else:
                refuse_contradiction(operation)
        elif type(operation) is Stored:
            if operation.published is not None:
                refuse_contradiction(operation)
            observed.stored.append(operation)
        elif type(operation) is Seen:
            if not operation.version:
                refuse_contradiction(operation)
            observed.seen.append(operation)
    return streams


def _read(observed: Observed, read: Read, version: int) -> None:
    if read.token is not None:
        observed.tokens += 1
        if version < read.token:
            observed.stale.append(read)
    if read.consistency == "strong":
        observed.strong += 1
        _told(observed, read, version)
        return
    if version:
        earlier = observed.reached.get(version)
        if earlier is None or read.returned < earlier.returned:
            observed.reached[version] = read
    who = (read.client, read.where)
    last = observed.reads.get(who)
    if last is not None:
        observed.compared += 1
        # Reads that return in this order with versions in this order can't go backwards.
        if version < (last.version or 0) or read.returned < last.returned:
            observed.suspicious.add(who)
    observed.reads[who] = read


def _told(observed: Observed, operation: Append | Read, version: int) -> None:
    """The stream stood at this version at some moment between invocation and return."""
    first = observed.reached.get(version)
    if version and (first is None or operation.returned < first.returned):
        observed.reached[version] = operation
    last = observed.left.get(version)
    if last is None or operation.invoked > last.invoked:
        observed.left[version] = operation
