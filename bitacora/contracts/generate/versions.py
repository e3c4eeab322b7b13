"""How far back the readers of an event may be."""

from __future__ import annotations

from itertools import pairwise

from bitacora.contracts.compatibility import Mode, compare
from bitacora.contracts.generate.language import Language, Version


def oldest_reader(language: Language, version: Version) -> int:
    """The lowest version whose readers take an event of `version` as it stands.

    Every version from there on takes it too, and no upcaster stands between: what was given a
    new meaning must not be read in the old one, even where the old schema would accept it.
    """
    history = [one for one in language.history(version.folder) if one.number <= version.number]
    written = language.document(version)
    oldest = version.number
    for newer, older in pairwise(reversed(history)):
        if "x-upcast" in newer.schema:
            break
        reading = compare(language.document(older), written, Mode.FORWARD)
        if reading.verdict != "compatible":
            break
        oldest = older.number
    return oldest
