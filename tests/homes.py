"""Homes for environments of tests' own, told apart by the run of pytest that they belong to."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bitacora.embedded import lifecycle

RUN = "PYTEST_XDIST_TESTRUNUID"  # what pytest-xdist calls its run, in each of its processes


@contextmanager
def temporary_home(name: str = "") -> Iterator[Path]:
    """An empty folder; whatever runs in it at the end is ended."""
    # Not pytest's folder: another session of root closes it to PostgreSQL's user.
    home = Path(tempfile.mkdtemp(prefix=f"{_prefix(os.environ.get(RUN, ''))}{name}"))
    try:
        yield home
    finally:
        end(home)


def end(home: Path) -> None:
    """End what runs in a home and delete it. Raises Problem naming a process that does not end."""
    lifecycle.stop(home, purge=True)
    shutil.rmtree(home, ignore_errors=not home.exists())


def left_by(run: str) -> list[Path]:
    """Homes that a run's processes did not delete."""
    return list(Path(tempfile.gettempdir()).glob(f"{_prefix(run)}*"))


def _prefix(run: str) -> str:
    return f"bitacora-{run[:8]}-" if run else "bitacora-"
