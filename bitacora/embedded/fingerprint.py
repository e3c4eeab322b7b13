"""Has anything changed of what the program is made from? Running it only to find that nothing has
takes the Pulumi SDK some seconds."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

# What the program and the engine read of a project; tests/provision/test_topology.py watches them.
FOLDERS = ("bitacora", "contracts", "infra", "reference_service")
FILES = ("*.yaml", "pyproject.toml", "requirements.lock")


def of(project: Path, config: Mapping[str, str]) -> str:
    """SHA-256 of the content of those files, of their names and of the configuration."""
    digest = hashlib.sha256(json.dumps([str(project), dict(config)], sort_keys=True).encode())
    for path in sorted(files(project)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\n{path.relative_to(project)} {content}".encode())
    return digest.hexdigest()


def files(project: Path) -> Iterator[Path]:
    """Those files."""
    for pattern in FILES:
        yield from project.glob(pattern)
    for folder in FOLDERS:
        for path in (project / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield path
