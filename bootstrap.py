"""Make `.venv` from requirements.lock: what `make` runs when the environment is missing or stale.

Needs Python 3.11 or newer and nothing else. Repeating it is harmless; one that was interrupted
starts again, because the marker `.venv/ready` is written last.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)
SHARES = min(4, os.cpu_count() or 1)


def main() -> int:
    if sys.version_info < OLDEST:
        found, needed = (".".join(map(str, v)) for v in (sys.version_info[:3], OLDEST))
        print(
            f"Python {found} is too old: {needed} or newer is needed (make PYTHON=python{needed})."
        )
        return 2
    if VENV.is_symlink():
        print(
            f".venv is a link to {VENV.resolve()}, which would be emptied. Delete the link first."
        )
        return 2
    requirements = re.findall(r"^\w.*\n(?:[ #].*\n)*", LOCK.read_text(), re.MULTILINE)
    steps = [
        ("making .venv", lambda: venv.create(VENV, clear=True, with_pip=True)),
        (
            f"installing {len(requirements)} packages of requirements.lock (about a minute)",
            lambda: install(requirements),
        ),
        (
            "installing bitacora itself, editable",
            lambda: pip("install", "--no-deps", "--no-build-isolation", "--editable", "."),
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


def install(requirements: list[str]) -> None:
    """In a few pips at once: each spends most of its time choosing among a package's releases.

    The lock is complete, so none looks for dependencies; `pip check` says whether it was.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(SHARES) as pool:
        shares = [Path(folder, f"{number}.lock") for number in range(SHARES)]
        for number, share in enumerate(shares):
            share.write_text("".join(requirements[number::SHARES]))
        options = ("install", "--no-deps", "--require-hashes", "--requirement")
        for done in [pool.submit(pip, *options, str(share)) for share in shares]:
            done.result()
    pip("check")


def pip(*arguments: str) -> None:
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True, capture_output=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nInterrupted; the same command starts again.")
        sys.exit(130)
