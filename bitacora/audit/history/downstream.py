"""What consumers show at the end, against what was stored."""

from collections.abc import Collection, Mapping

from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import Operation, Seen
from bitacora.audit.history.piece import Tell


def hold_downstream(
    observed: Observed,
    final: tuple[int, Operation | None],
    places: Mapping[str, bool],
    tell: Tell,
) -> None:
    """`final` is the version at which the stream ended, with who tells so.

    `places` are all consumers that were looked at anywhere in the history, by whether they hold
    single events: where one shows nothing of this stream, it is missing there.
    """
    seen: dict[str, list[Seen]] = {where: [] for where in places}
    for each in observed.seen:
        seen[each.where].append(each)
    version, witness = final
    wanted = _published(observed, version) if any(places.values()) else ()
    for where, shown in seen.items():
        if places[where]:
            _events(where, shown, wanted, (version, witness, observed), tell)
            continue
        for each in shown:
            if each.version != version:
                _head(each, version, witness, tell)
        if not shown and version:
            detail = f"{where} shows nothing of the stream, which is at version {version}."
            tell("missing-downstream", detail, (witness,))


def _published(observed: Observed, final: int) -> Collection[int]:
    """The versions of the events that a consumer of single events holds."""
    if not any(commit.published is not None for commit in observed.stored):
        return range(1, final + 1)  # as many as somebody's file says: never a set of them
    wanted: set[int] = set()
    for commit in observed.stored:
        every = range(commit.first, commit.first + commit.count)
        wanted.update(every if commit.published is None else commit.published)
    return dict.fromkeys(sorted(wanted)).keys()


def _head(seen: Seen, version: int, witness: Operation | None, tell: Tell) -> None:
    detail = f"{seen.where} shows version {seen.version} of a stream that ended at {version}."
    if seen.version < version:
        tell("missing-downstream", detail, (witness, seen))
    else:
        tell("invented-downstream", detail, (witness, seen))


def _events(
    where: str,
    events: list[Seen],
    wanted: Collection[int],
    final: tuple[int, Operation | None, Observed],
    tell: Tell,
) -> None:
    if len(events) == len(wanted) and {each.version for each in events} == set(wanted):
        return
    version, witness, observed = final
    held: dict[int, Seen] = {}
    for each in events:
        earlier = held.setdefault(each.version, each)
        if earlier is not each:
            detail = f"{where} holds the event of version {each.version} twice."
            tell("repeated-downstream", detail, (earlier, each))
        elif each.version not in wanted:
            detail = f"{where} holds an event of version {each.version}"
            why = "which is not published" if each.version <= version else "which is not stored"
            tell("invented-downstream", f"{detail}, {why}.", (witness, each))
    missing = len(wanted) - sum(version in wanted for version in held)
    if missing:
        first = next(each for each in wanted if each not in held)
        more = f" and {missing - 1} more" if missing > 1 else ""
        detail = f"{where} lacks the event of version {first}{more}."
        tell("missing-downstream", detail, (_writer(observed, first) or witness,))


def _writer(observed: Observed, version: int) -> Operation | None:
    """Who says that there is an event of this version."""
    for commit in observed.stored:
        if commit.first <= version < commit.first + commit.count:
            return commit
    for append in observed.attempts.values():
        if append.version and append.version - (append.count or 0) < version <= append.version:
            return append
    return None
