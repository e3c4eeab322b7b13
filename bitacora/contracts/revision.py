"""A contracts folder as a git revision has it: bytes straight from the object store."""

import os
import subprocess
from pathlib import Path

from bitacora.contracts.documents import LARGEST_BYTES, ContractFault, too_large
from bitacora.contracts.folder import Folder
from bitacora.embedded.problem import UsageProblem

TIMEOUT_S = 60
LONGEST_REF = 200
# A hook's own repository must not stand for the one that the folder is in.
_FOREIGN = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}


def folder_at(root: Path, ref: str) -> Folder:
    """The folder that stands at `root` today, as it was at `ref`.

    Raises UsageProblem: no git checkout, no such revision, no contracts there.
    """
    if not root.is_dir():
        raise UsageProblem(f"{root} is no folder of contracts.", "Name one with --contracts DIR.")
    revision = _commit(root, ref)
    prefix = _git(root, "rev-parse", "--show-prefix").decode().strip()
    listed = _git(root, "ls-tree", "-r", "-z", "-l", "--full-tree", revision, "--", prefix or ".")
    where = f"{ref}:{prefix.rstrip('/')}"
    blobs: dict[str, str] = {}
    refused: dict[str, ContractFault] = {}
    for line in filter(None, listed.split(b"\0")):
        about, _, path = line.partition(b"\t")
        _, kind, blob, size = about.decode().split()
        name = path.decode("utf-8", "surrogateescape").removeprefix(prefix)
        if kind == "blob" and int(size) <= LARGEST_BYTES:
            blobs[name] = blob
        elif kind == "blob":
            refused[name] = too_large(name, int(size))
    if not blobs:
        raise UsageProblem(
            f"{ref} has no {prefix.rstrip('/') or 'files'}.",
            "Name a revision that holds the contracts folder at the same place.",
        )
    return Folder(where, _contents(root, blobs), refused)


def _commit(root: Path, ref: str) -> str:
    """The id of the commit that `ref` names."""
    if not ref or ref.startswith("-") or len(ref) > LONGEST_REF or not ref.isprintable():
        raise UsageProblem(f"{ref[:LONGEST_REF]!r} is no name of a git revision.")
    _git(root, "rev-parse", "--git-dir")
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    try:
        return _git(root, *asked).decode().strip()
    except UsageProblem:
        raise UsageProblem(
            f"git knows no revision {ref}.",
            "Fetch it first (`git fetch origin`; a CI checkout needs its history: fetch-depth 0).",
        ) from None


def _contents(root: Path, blobs: dict[str, str]) -> dict[str, bytes]:
    """The bytes of each blob, by name; one process for all."""
    asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
    answer = _git(root, "cat-file", "--batch", stdin=asked)
    contents, at = {}, 0
    for name in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[2])
        contents[name] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return dict(sorted(contents.items()))


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S,
            env={**environment, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise UsageProblem("git is not installed, so no revision can be read.") from None
    except subprocess.TimeoutExpired:
        raise UsageProblem(f"git did not answer within {TIMEOUT_S} s in {root}.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        if "not a git repository" in said:
            raise UsageProblem(
                f"{root} is not in a git checkout.", "--against and REF:name need one."
            )
        raise UsageProblem(f"git {arguments[0]} failed in {root}: {said or 'without a word'}.")
    return done.stdout
