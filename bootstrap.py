"""Make `.venv` from requirements.lock: what `make` runs when the environment is missing or stale.

Needs Python 3.11 or newer and nothing else. Repeating it is harmless; one that was interrupted
starts again, because the marker `.venv/ready` is written last.
"""

import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)


def main() -> int:
    if sys.version_info < OLDEST:
        found, needed = (".".join(map(str, v)) for v in (sys.version_info[:3], OLDEST))
        print(
            f"Python {found} is too old: {needed} or newer is needed (make PYTHON=python{needed})."
        )
        return 2
    packages = sum(1 for line in LOCK.read_text().splitlines() if line[:1].isalnum())
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    steps = [
        ("making .venv", lambda: venv.create(VENV, clear=True, with_pip=True)),
        (
            f"installing {packages} packages of requirements.lock (a minute when none is cached)",
            lambda: run(*pip, "install", "--require-hashes", "--requirement", str(LOCK)),
        ),
        (
            "installing bitacora itself, editable",
            lambda: run(*pip, "install", "--no-deps", "--no-build-isolation", "--editable", "."),
        ),
    ]
    for number, (what, step) in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {what} ... ", end="", flush=True)
        began = time.monotonic()
        try:
            step()
        except subprocess.CalledProcessError as failure:
            print(f"failed\n{(failure.stderr or failure.output or b'').decode(errors='replace')}")
            print("Nothing else was touched; mend the cause and run the same command again.")
            return 1
        print(f"{time.monotonic() - began:.1f} s", flush=True)
    (VENV / "ready").write_text("made by bootstrap.py from requirements.lock\n")
    return 0


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.PIPE)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted; the same command starts again.")
        sys.exit(130)
