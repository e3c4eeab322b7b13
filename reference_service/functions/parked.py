"""What an operator asks about parked streams, and how each is healed."""

from dataclasses import asdict
from typing import Any

import msgspec

from reference_service.bootstrap import Operations
from reference_service.cqrs.commit import Commit
from reference_service.schemas import Undecodable

PAGE = 200


def parked(operations: Operations, cursor: str | None) -> dict[str, Any]:
    """A page of one consumer's parked streams, and where the next page begins (None: no more).

    A cursor is "<consumer>:<that consumer's own cursor>". Raises Unavailable.
    """
    consumers = list(operations.parked)
    consumer, _, inner = (cursor or f"{consumers[0]}:").partition(":")
    if consumer not in consumers:
        return {"error": f"the cursor {cursor!r} names none of {', '.join(consumers)}"}
    found, following = operations.parked[consumer](inner or None, PAGE)
    later = consumers[consumers.index(consumer) + 1 :]
    if following is not None:
        at: str | None = f"{consumer}:{following}"
    else:
        at = f"{later[0]}:" if later else None
    return {"parked": [asdict(one) for one in found], "cursor": at}


def envelope(operations: Operations, stream: str, commit: int) -> dict[str, Any]:
    """A stored commit without what its events say: types and versions only.

    {"envelope": None} when the event store does not hold it, with the `fault` of one that is not
    readable. Raises Unavailable.
    """
    try:
        found = operations.read_side.store.load(stream, after=commit - 1)[:1]
    except Undecodable as fault:
        return {"envelope": None, "fault": str(fault)}
    if not found or found[0].commit != commit:
        return {"envelope": None, "fault": None}
    return {"envelope": _without_data(found[0]), "fault": None}


def _without_data(commit: Commit) -> dict[str, Any]:
    shown = msgspec.structs.asdict(commit)
    body = shown.pop("body")
    try:
        shown["events"] = [f"{event['type']} v{event['v']}" for event in msgspec.json.decode(body)]
    except (msgspec.MsgspecError, LookupError, TypeError) as fault:
        shown["events"] = [f"unreadable: {fault}"]
    return shown
