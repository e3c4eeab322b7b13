"""A history in a file of JSON lines: every line is an operation, or the file is refused."""

import sys
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from bitacora.audit.history.malformed import Malformed
from bitacora.audit.history.operations import Operation

STANDARD_INPUT = "-"
SEE = "docs/history.md describes the format of a line."
LONGEST = 1 << 20  # bytes of a line; what is longer is no operation
BLOCK = 1 << 23
SHOWN = 60  # characters of a line that a person is shown


def read_history(path: str) -> list[Operation]:
    """Raises Malformed for what can't be read or is no history; `-` is standard input."""
    name = "Standard input" if path == STANDARD_INPUT else path
    try:
        with _opened(path) as file:
            history = decode(file)
    except IsADirectoryError:
        raise Malformed(f"{name} is a directory.", "Name a file of JSON lines.") from None
    except OSError as wrong:
        what = f"{name} can't be read: {wrong.strerror}."
        raise Malformed(what, "Name a file of JSON lines.") from None
    if not history:
        raise Malformed(f"{name} is empty.", "Record at least one operation.")
    return history


def decode(file: BinaryIO) -> list[Operation]:
    """Raises Malformed with the number of the first line that is no operation."""
    decoder = msgspec.json.Decoder(Operation)
    decoded: list[Operation] = []
    while block := file.read(BLOCK):
        if not block.endswith(b"\n"):
            block += file.readline(LONGEST)
        decoded += _at_once(block, decoder) or _by_line(block, decoder, len(decoded))
    return decoded


def _at_once(block: bytes, decoder: msgspec.json.Decoder[Operation]) -> list[Operation] | None:
    """None unless each line is one operation for sure.

    A valid operation holds no brace before a line's end but its last. So if each line ends with
    one, each has the end of an operation; and if there are as many operations, each has one.
    """
    lines = block.count(b"\n")
    if not block.endswith(b"\n") or block.count(b"}\n") != lines:
        return None
    try:
        decoded = decoder.decode_lines(block)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return decoded if len(decoded) == lines else None


def _by_line(
    block: bytes, decoder: msgspec.json.Decoder[Operation], before: int
) -> list[Operation]:
    decoded: list[Operation] = []
    for line in BytesIO(block):
        try:
            decoded.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise _malformed(line, before + len(decoded) + 1, wrong) from None
    return decoded


def _malformed(line: bytes, number: int, wrong: Exception) -> Malformed:
    text = line.decode(errors="replace").strip()
    shown = printable(text[:SHOWN])
    if len(text) > SHOWN:
        shown += " …"
    if not text:
        return Malformed("It is empty.", "Remove it: each line is one operation.", number)
    if isinstance(wrong, msgspec.ValidationError):
        return Malformed(f"{wrong}: {shown}", SEE, number)
    if len(line) >= LONGEST:
        return Malformed(f"It is longer than {LONGEST:,} bytes: {shown}", SEE, number)
    if not line.endswith(b"\n"):
        what = f"It is cut off, or no JSON ({wrong}): {shown}"
        return Malformed(what, "Let the recorder finish, or remove the last line.", number)
    return Malformed(f"It is no JSON ({wrong}): {shown}", SEE, number)


def printable(text: str) -> str:
    """For a terminal, which must not take what stands in somebody's file for a command."""
    return "".join(each if each.isprintable() else "�" for each in text)


def _opened(path: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else Path(path).open("rb")
