"""How far back the readers of an event may be."""

from __future__ import annotations

from itertools import pairwise

from bitacora.contracts.compatibility import Mode, compare
from bitacora.contracts.folder import Folder, Version
from bitacora.contracts.lint.agreement import UPCAST


def oldest_reader(folder: Folder, version: Version) -> int:
    """The lowest version whose readers take an event of `version` as it stands.

    Every version from there on takes it too, and no upcaster stands between: what was given a
    new meaning must not be read in the old one, even where the old schema would accept it.
    """
    history = [one for one in folder.histories[version.folder] if one <= version]
    written = folder.document(version)
    oldest = version.number
    for newer, older in pairwise(reversed(history)):
        if UPCAST in folder.schemas[newer]:
            break
        reading = compare(folder.document(older), written, Mode.FORWARD)
        if reading.verdict != "compatible":
            break
        oldest = older.number
    return oldest
