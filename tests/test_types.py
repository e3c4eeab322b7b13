"""The types of the whole project hold (`make lint` asks for them alone)."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOLD_WITHIN_S = 600


def test_types_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=TOLD_WITHIN_S,
        preexec_fn=lambda: os.nice(10),  # the scenarios run beside it, and have time limits
    )
    assert done.returncode == 0, done.stdout + done.stderr
