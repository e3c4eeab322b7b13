"""A twin on trial: the scenarios of the promise that it breaks, run against it."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from features.twins.gallery import Twin

Outcome = Literal["found", "survived", "not tried"]
TRIED_WITHIN_S = 900
LAST_LINES = 15


@dataclass(frozen=True)
class Trial:
    """`scenario` is the one that failed, `after_s` how long it took to, `reason` what it said.

    A twin that survived, or could not be tried, says why in `reason`.
    """

    twin: Twin
    outcome: Outcome
    scenario: str
    after_s: float
    reason: str


def trial(twin: Twin) -> Trial:
    """In a copy of the project and an environment of its own, until the first scenario fails.

    Only a step that fails finds a twin: an environment that does not start finds nothing. Raises
    NoLonger.
    """
    with tempfile.TemporaryDirectory(prefix="bitacora-twin-") as folder:
        root = Path(folder) / "project"
        twin.made(root)
        results = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "features", "-x", "-q", "-n0"]
        command += ["--promise", str(twin.breaks), f"--junitxml={results}"]
        began = time.monotonic()
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env={**os.environ, "PYTHONPATH": str(root)},
                capture_output=True,
                text=True,
                timeout=TRIED_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Trial(twin, "not tried", "", time.monotonic() - began, "it took too long")
        if not results.exists():
            last = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
            return Trial(twin, "not tried", "", time.monotonic() - began, last)
        return _judged(twin, ElementTree.parse(results))


def _judged(twin: Twin, results: "ElementTree.ElementTree[ElementTree.Element]") -> Trial:
    tried = 0
    for case in results.iter("testcase"):
        name, seconds = case.get("name", ""), float(case.get("time", "0"))
        if (failure := case.find("failure")) is not None:
            return Trial(twin, "found", name, seconds, _first_line(failure))
        if (error := case.find("error")) is not None:
            return Trial(twin, "not tried", name, seconds, _first_line(error))
        tried += case.find("skipped") is None
    if not tried:
        return Trial(twin, "not tried", "", 0.0, "no scenario keeps this promise")
    return Trial(twin, "survived", "", 0.0, f"{tried} scenarios passed")


def _first_line(told: ElementTree.Element) -> str:
    return (told.get("message") or "").strip().partition("\n")[0]
