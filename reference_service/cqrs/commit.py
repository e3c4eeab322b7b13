"""The commit: what one command appended to one stream, chained to the commit before it."""

import hashlib
from datetime import UTC, datetime
from operator import attrgetter

import msgspec

GENESIS = "0" * 64
# DynamoDB's item size limit, names and values together (Service quotas, "Item size").
STORED_LIMIT_BYTES = 400 * 1024


class CommitTooLarge(Exception):
    """The stored item would not stay below DynamoDB's limit."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the commit takes {size_bytes} bytes, the limit is {STORED_LIMIT_BYTES}")
        self.size_bytes = size_bytes


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The command behind a commit, and what led to it.

    `causation` is the id of the message that caused the command, `correlation` the id shared by
    everything that follows from one outside request, `traceparent` W3C trace context or "".
    """

    command_id: str
    fingerprint: str
    actor: str
    causation: str
    correlation: str
    traceparent: str = ""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """`first` is the version of the first of `count` events; versions and commits count from 1.

    `at` is UTC with milliseconds ("2026-01-01T00:00:00.000Z"); `prev` and `hash` are 64 hex digits;
    `body` is the JSON text of [{"type", "v", "data"}, …].
    """

    stream: str
    commit: int
    first: int
    count: int
    commit_id: str
    command_id: str
    fingerprint: str
    actor: str
    causation: str
    correlation: str
    traceparent: str
    at: str
    prev: str
    hash: str
    body: str

    @property
    def version(self) -> int:
        """Version of the stream after this commit."""
        return self.first + self.count - 1


_hashed = attrgetter(*(name for name in Commit.__struct_fields__ if name != "hash"))
# The lengths of nearly all texts, as they are hashed.
_SHORT = tuple(length.to_bytes(4, "big") for length in range(256))


def digest(commit: Commit) -> str:
    """SHA-256 (hex) over every field but `hash`, in declared order.

    Each field is its UTF-8 text after that text's length in bytes (4 bytes, big-endian): without
    the lengths "ab","c" and "a","bc" would be the same commit.
    """
    parts: list[bytes] = []
    for value in _hashed(commit):
        text = str(value).encode()
        length = len(text)
        parts.append(_SHORT[length] if length < len(_SHORT) else length.to_bytes(4, "big"))
        parts.append(text)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def sealed(commit: Commit) -> Commit:
    """The commit with `hash` set to its digest."""
    return msgspec.structs.replace(commit, hash=digest(commit))


def following(
    previous: Commit | None,
    *,
    stream: str,
    cause: Cause,
    body: str,
    count: int,
    at: str,
    commit_id: str,
) -> Commit:
    """The next commit of the stream; its `at` is never before the previous commit's.

    Raises CommitTooLarge: such a commit must never be sent to a store.
    """
    commit = sealed(
        Commit(
            stream=stream,
            commit=previous.commit + 1 if previous else 1,
            first=previous.version + 1 if previous else 1,
            count=count,
            commit_id=commit_id,
            command_id=cause.command_id,
            fingerprint=cause.fingerprint,
            actor=cause.actor,
            causation=cause.causation,
            correlation=cause.correlation,
            traceparent=cause.traceparent,
            at=max(at, previous.at) if previous else at,
            prev=previous.hash if previous else GENESIS,
            hash="",
            body=body,
        )
    )
    check_size(commit)
    return commit


def stored_size_bytes(commit: Commit) -> int:
    """Size of the stored item as DynamoDB counts it (names and values).

    Source: "DynamoDB item sizes and formats": text is UTF-8 bytes, a number about one byte per two
    digits plus one, binary its raw length (prev and hash are stored as 32 bytes).
    """
    size = 0
    for name in Commit.__struct_fields__:
        value = getattr(commit, name)
        size += len(name)
        if isinstance(value, int):
            size += (len(str(value)) + 1) // 2 + 1
        elif name in ("prev", "hash"):
            size += 32
        else:
            size += len(value.encode())
    return size


def check_size(commit: Commit) -> None:
    """Raises CommitTooLarge unless the stored item stays below DynamoDB's limit."""
    size_bytes = stored_size_bytes(commit)
    if size_bytes >= STORED_LIMIT_BYTES:
        raise CommitTooLarge(size_bytes)


def timestamp(moment: datetime) -> str:
    """UTC with milliseconds; such texts order as the moments do."""
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )
