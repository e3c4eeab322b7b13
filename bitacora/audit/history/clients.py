"""What a client may expect of its own reads."""

from collections.abc import Iterable, Mapping

from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import Operation, Read
from bitacora.audit.history.piece import Tell


def hold_tokens(observed: Observed, tell: Tell) -> None:
    """Reads with a token are not older than it."""
    for read in observed.stale:
        detail = f"It asked for version {read.token} or later and was told {read.version}."
        tell("stale-read", detail, (read,))


def suspicious_reads(
    history: Iterable[Operation], streams: Mapping[str, Observed]
) -> dict[str, dict[tuple[str, str], list[Read]]]:
    """By stream the eventual reads of each client and place that may have gone backwards."""
    found = {
        stream: {who: list[Read]() for who in observed.suspicious}
        for stream, observed in streams.items()
        if observed.suspicious
    }
    if found:
        for each in history:
            if isinstance(each, Read) and each.stream in found and each.consistency == "eventual":
                who = (each.client, each.where)
                if who in found[each.stream] and each.outcome == "ok":
                    found[each.stream][who].append(each)
    return found


def hold_reads(reads: Iterable[Read], tell: Tell) -> None:
    """One client's reads of one place never go backwards.

    Only reads that had returned before another was invoked say something about it."""
    returned = sorted(reads, key=lambda read: read.returned)
    newest: Read | None = None
    position = 0
    for read in sorted(reads, key=lambda read: read.invoked):
        while returned[position].returned < read.invoked:
            if newest is None or (returned[position].version or 0) > (newest.version or 0):
                newest = returned[position]
            position += 1
        if newest is not None and (newest.version or 0) > (read.version or 0):
            detail = f"{read.client} was told version {newest.version}, then {read.version}."
            tell("backwards-read", detail, (newest, read))
