"""A record of the event store's change stream, as the relay and the publisher take it."""

from dataclasses import dataclass
from typing import Literal

from reference_service.cqrs.commit import Commit


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of the event store.

    `id` is the sequence number to report as failed. An INSERT has its `commit`, or the `fault` that
    makes it unreadable; MODIFY and REMOVE must never happen. `number` is the commit's number as the
    key says; `record` is the whole record as JSON, both images included: the evidence.
    """

    id: str
    kind: Literal["INSERT", "MODIFY", "REMOVE"]
    stream: str
    number: int
    record: bytes
    commit: Commit | None = None
    fault: str | None = None
