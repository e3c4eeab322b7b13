"""Rules about files: what may stand in the folder, and that it can be read at all."""

from collections.abc import Iterator

from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import (
    COMPATIBILITY,
    FORMS,
    GENERATED,
    HTTP_API,
    LOCK,
    TOPOLOGY,
    Folder,
)
from bitacora.contracts.places import keys_twice

BESIDE_THE_SCHEMAS = {"README.md", TOPOLOGY, COMPATIBILITY, HTTP_API, LOCK, *GENERATED}


def readable(folder: Folder) -> Iterator[Finding]:
    """Every file can be read and has at most 1 MiB."""
    for file, fault in folder.refused.items():
        yield Finding(file, "", fault.what, "Make it a file that can be read, or take it out.")


def json(folder: Folder) -> Iterator[Finding]:
    """Every .json file holds strict JSON."""
    for file, fault in folder.faults.items():
        if file not in folder.refused and not keys_twice(folder.contents[file]):
            yield Finding(file, "", fault.what, "Correct the text at that line.", fault.line)


def key_once(folder: Folder) -> Iterator[Finding]:
    """No object has a key twice: readers differ in which one they take."""
    for file in folder.faults.keys() - folder.refused.keys():
        for pointer, line in keys_twice(folder.contents[file]):
            what = "stands twice in its object; readers differ in which one they take"
            yield Finding(file, pointer, what, "Keep one of the two.", line)


def known_file(folder: Folder) -> Iterator[Finding]:
    """Nothing but contracts stands in the folder."""
    known = set(BESIDE_THE_SCHEMAS)
    for version in folder.versions:
        known |= {version.file, *map(version.example, FORMS)}
    for file in folder.files:
        if file not in known:
            yield Finding(
                file,
                "",
                "is no contract: neither a schema <name>/vN.json nor an example of one",
                "Take it out, or give it the name of what it is.",
            )


def version_gap(folder: Folder) -> Iterator[Finding]:
    """The versions of a schema are 1, 2, 3 … without a gap."""
    for history in folder.histories.values():
        before = 0
        for version in history:
            if version.number != before + 1:
                missing = f"v{before + 1}"
                yield Finding(
                    version.file,
                    "",
                    f"comes after {f'v{before}' if before else 'nothing'}: {missing} is missing",
                    f"Name it {missing}, or restore {missing}: versions count up by one.",
                )
            before = version.number
