"""`make load` when nothing runs: a clear message, exit code 2, no traceback."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def locust(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", "load/locustfile.py", "--headless", *options],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_says_what_to_do_and_that_nothing_is_known(tmp_path: Path) -> None:
    done = locust("--home", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "Run `bitacora up`." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rate_that_is_not_above_zero_is_refused() -> None:
    done = locust("--rate", "0")
    assert done.returncode == 2
    assert "--rate" in done.stderr
    assert "Traceback" not in done.stderr
