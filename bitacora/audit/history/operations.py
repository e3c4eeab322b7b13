"""What a history is made of: one operation a line, of any system with versioned streams.

A stream holds events that are numbered 1, 2, 3 …; its version is the number of its last event, 0
when it has none. An append adds one or more events at once. Times are seconds of one monotonic
clock, the recorder's, so that an operation that returned before another was invoked came before it.
What the answer did not tell is None (left out of the line).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Outcome = Literal["ok", "failed", "unknown"]
Consistency = Literal["eventual", "strong"]

CONFLICT = "conflict"

Name = Annotated[str, Meta(min_length=1)]
Seconds = float
MOST = 2**53 - 1  # what every JSON parser reads exactly (RFC 8259, section 6)
Version = Annotated[int, Meta(ge=0, le=MOST)]
Positive = Annotated[int, Meta(ge=1, le=MOST)]


class _Line(
    Struct,
    frozen=True,
    kw_only=True,
    tag_field="op",
    tag=str.lower,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,  # nothing here can be part of a cycle; a million of them need no collector
):
    pass


class Append(_Line, frozen=True, kw_only=True):
    """One attempt of a command to append to a stream.

    `ok` tells the `version` after the append and the `count` of its events; a repeat of a command
    is told the same again. `failed` says that this attempt did nothing; with the reason "conflict"
    because the stream stood elsewhere (at `version`, where that was told) than `expected`.
    `unknown` may have happened, and may happen at any time after `invoked`, also after `returned`.
    """

    client: Name
    stream: Name
    command: Name
    invoked: Seconds
    returned: Seconds
    outcome: Outcome
    version: Version | None = None
    count: Positive | None = None
    expected: Version | None = None
    reason: str = ""


class Read(_Line, frozen=True, kw_only=True):
    """A client's look at a stream: `ok` tells the `version`, 0 where there was no such stream.

    `token` is the version that the client asked to see at least; the answer "not yet" is `failed`.
    `where` names what was read, when there is more than one read model: reads of different ones
    are not compared with each other.
    """

    client: Name
    stream: Name
    invoked: Seconds
    returned: Seconds
    outcome: Outcome
    version: Version | None = None
    token: Version | None = None
    consistency: Consistency = "eventual"
    where: str = ""


class Stored(_Line, frozen=True, kw_only=True):
    """A commit of the event store, read when all had come to rest.

    `first` is the version of its first event. `published` holds the versions of those of its events
    that consumers of single events get, None for all of them.
    """

    stream: Name
    commit: Positive
    first: Positive
    count: Positive
    command: Name | None = None
    published: tuple[Positive, ...] | None = None


class Seen(_Line, frozen=True, kw_only=True):
    """What a consumer shows when all has come to rest.

    Without `event`: the stream as of `version`, so all events up to it. With `event`, its id: the
    one event of that version.
    """

    where: Name
    stream: Name
    version: Version
    event: Name | None = None


Operation = Append | Read | Stored | Seen
