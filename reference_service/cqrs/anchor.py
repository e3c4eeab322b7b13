"""What an anchor is: the heads of streams at one moment, kept where nobody can change them.

    heads/00000042/part-00001.jsonl.gz   a header, then [stream, commit, hash] line by line
    anchors/00000042.json                the anchor itself, written last: without it there is none

Anchors are numbered 1, 2, 3 … without a gap, and all of it is one chain of SHA-256 digests over
the bytes as they are stored: an anchor names the one before it and its own last part, a part the
one before it, and the first part the anchor before. So nothing can be taken out, put in or altered
without a later link telling.
"""

import gzip
import hashlib
import io
import re
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

ANCHORS = "anchors/"
HEADS = "heads/"
# A part is far smaller (anchoring.PART_HEADS); what unpacks to more is none.
UNPACKED_LIMIT_BYTES = 64 * 1024 * 1024
_ANCHOR = re.compile(rf"{ANCHORS}([0-9]{{8}})\.json")
_PART = re.compile(rf"{HEADS}([0-9]{{8}})/part-([0-9]{{5}})\.jsonl\.gz")

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
Moment: TypeAlias = Annotated[str, Meta(pattern=rf"\A{_TIME}\Z")]
EveryStreamOrSince: TypeAlias = Annotated[str, Meta(pattern=rf"\A({_TIME})?\Z")]
Digest: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
# Of a commit or an anchor; DynamoDB would take more digits.
HIGHEST = 2**63 - 1
Number: TypeAlias = Annotated[int, Meta(ge=1, le=HIGHEST)]
# As many as a name has digits for.
PartNumber: TypeAlias = Annotated[int, Meta(ge=1, le=99_999)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
# Stream, number of the commit, its hash.
AnchoredHead: TypeAlias = tuple[str, Number, Digest]


class NoAnchor(Exception):
    """Bytes that are no anchor, or no part of one."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`began` and `ended` are UTC with milliseconds.

    It holds the head of every stream whose last commit is of `since` or later: of all streams when
    `since` is empty. `full` is when the newest anchor of all streams began, this one or one before.
    `parts` and `heads` count, `prev` is the digest of the anchor before (GENESIS for the first),
    `last` that of the last part.
    """

    anchor: Number
    began: Moment
    ended: Moment
    since: EveryStreamOrSince
    full: Moment
    parts: PartNumber
    heads: Count
    prev: Digest
    last: Digest


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The header of a part; `heads` counts those of this part and of all before it.

    `cursor` is where the scan of the event store goes on, None in the last part.
    """

    anchor: Number
    part: PartNumber
    began: Moment
    since: EveryStreamOrSince
    heads: Count
    prev: Digest
    cursor: str | None


def anchor_name(anchor: int) -> str:
    return f"{ANCHORS}{anchor:08d}.json"


def parts_prefix(anchor: int) -> str:
    return f"{HEADS}{anchor:08d}/"


def part_name(anchor: int, part: int) -> str:
    return f"{parts_prefix(anchor)}part-{part:05d}.jsonl.gz"


def anchor_number(name: str) -> int | None:
    """Of an anchor's name; None for another object's."""
    match = _ANCHOR.fullmatch(name)
    return int(match[1]) if match else None


def part_number(name: str) -> tuple[int, int] | None:
    """(anchor, part) of a part's name; None for another object's."""
    match = _PART.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def digest(stored: bytes) -> str:
    return hashlib.sha256(stored).hexdigest()


def encode_anchor(anchor: Anchor) -> bytes:
    return msgspec.json.encode(anchor)


def decode_anchor(stored: bytes) -> Anchor:
    """Raises NoAnchor."""
    try:
        return msgspec.json.decode(stored, type=Anchor)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise NoAnchor(str(fault)) from fault


def encode_part(header: Part, heads: Sequence[AnchoredHead]) -> bytes:
    """The same bytes whenever it is called: the time is not in them."""
    return gzip.compress(msgspec.json.Encoder().encode_lines([header, *heads]), mtime=0)


def decode_part(stored: bytes) -> tuple[Part, list[AnchoredHead]]:
    """Raises NoAnchor."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as packed:
            unpacked = packed.read(UNPACKED_LIMIT_BYTES + 1)
        if len(unpacked) > UNPACKED_LIMIT_BYTES:
            raise NoAnchor(f"it unpacks to more than {UNPACKED_LIMIT_BYTES} bytes")
        header, _, lines = unpacked.partition(b"\n")
        heads = msgspec.json.Decoder(AnchoredHead).decode_lines(lines)
        return msgspec.json.decode(header, type=Part), heads
    except (OSError, EOFError, ValueError, msgspec.DecodeError) as fault:
        raise NoAnchor(str(fault)) from fault
