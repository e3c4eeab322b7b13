"""released.lock: the digest of every released version. A released file never changes.

`sha256sum -c released.lock` reads it too.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import LOCK, Folder, Version

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<file>\S+)")


def digests(folder: Folder) -> dict[str, str]:
    """SHA-256 of every version by its file, as they stand now."""
    return {
        version.file: hashlib.sha256(folder.contents[version.file]).hexdigest()
        for version in folder.versions
        if version.file in folder.contents
    }


def released(folder: Folder) -> dict[str, str]:
    """What the lock says: digest by file. Lines that say nothing are left to `lock_line`."""
    matches = (_LINE.fullmatch(line) for _, line in _lines(folder))
    return {match["file"]: match["digest"] for match in matches if match}


def lock_line(folder: Folder) -> Iterator[Finding]:
    """Every line of the lock is a digest and the path of a version, sorted by path."""
    before = ""
    for number, line in _lines(folder):
        match = _LINE.fullmatch(line)
        if match is None:
            what = "is no line of a lock: a SHA-256 in hex, two spaces and a path were expected"
        elif Version.of_file(match["file"]) is None:
            what = f"names {match['file']}, which is no version of a schema"
        elif match["file"] <= before:
            what = f"stands after {before}: lines are sorted by path, each path once"
        else:
            before = match["file"]
            continue
        remedy = "Take the file from the last release; `bitacora contracts release` adds to it."
        yield Finding(LOCK, "", what, remedy, line=number)


def released_unchanged(folder: Folder) -> Iterator[Finding]:
    """A released version is, byte for byte, what was released."""
    yield from changed(released(folder), folder, f"{LOCK} says")


def changed(locked: Mapping[str, str], folder: Folder, who_says: str) -> Iterator[Finding]:
    """One finding for each file that is not, byte for byte, what was released."""
    now = digests(folder)
    for file, digest in sorted(locked.items()):
        version = Version.of_file(file)
        if version is None or now.get(file) == digest:
            continue
        verb = "changed since" if file in folder.files else "vanished"
        yield Finding(
            file,
            "",
            f"is released, {who_says}, and has {verb}",
            f"Restore it: such events are stored and under way. A change is the next version: "
            f"`bitacora contracts draft {version.folder.removeprefix('events/')}`.",
        )


def release(root: Path, folder: Folder) -> list[Version]:
    """Add every version that is not yet released to the lock of the folder at `root`.

    Atomic: the lock is replaced as a whole, or not at all. Gives what was added. The caller has
    found nothing wrong with the folder.
    """
    locked, now = released(folder), digests(folder)
    added = [version for version in folder.versions if version.file not in locked]
    if added:
        whole = {**now, **locked}
        _replace(root / LOCK, "".join(f"{whole[file]}  {file}\n" for file in sorted(whole)))
    return added


def _lines(folder: Folder) -> Iterator[tuple[int, str]]:
    text = folder.contents.get(LOCK, b"").decode(errors="replace")
    return enumerate(text.splitlines(), 1)


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
