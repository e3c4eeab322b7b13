"""What is released never changes, and the lock moves as a whole or not at all."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from bitacora.contracts import lock
from bitacora.contracts.folder import Version
from tests.contracts.planted import CANCELLED, Contracts, places


def test_a_first_release_locks_every_version_in_order(contracts: Contracts) -> None:
    added = lock.release(contracts.root, contracts.folder)
    assert added == contracts.folder.versions
    lines = (contracts.root / "released.lock").read_text().splitlines()
    paths = [line.split("  ")[1] for line in lines]
    assert paths == sorted(version.file for version in contracts.folder.versions)
    assert contracts.findings == []


def test_other_tools_can_verify_the_lock(contracts: Contracts) -> None:
    contracts.release()
    command = ["sha256sum", "--check", "--strict", "--quiet", "released.lock"]
    assert subprocess.run(command, cwd=contracts.root).returncode == 0


def test_a_release_adds_only_what_is_new(contracts: Contracts) -> None:
    contracts.release()
    before = (contracts.root / "released.lock").read_text()
    contracts.next_version(CANCELLED, 2)
    assert lock.release(contracts.root, contracts.folder) == [Version(CANCELLED, 2)]
    after = (contracts.root / "released.lock").read_text()
    assert set(before.splitlines()) < set(after.splitlines())
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    assert lock.release(contracts.root, contracts.folder) == []
    assert (contracts.root / "released.lock").read_text() == after


def test_a_release_leaves_nothing_else_behind(contracts: Contracts) -> None:
    files = {*contracts.folder.files}
    contracts.release()
    assert {*contracts.folder.files} - files == {"released.lock"}
    assert (contracts.root / "released.lock").stat().st_mode & 0o777 == 0o644


def test_a_release_that_fails_leaves_the_lock_as_it_was(
    contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts.release()
    before = (contracts.root / "released.lock").read_bytes()
    contracts.next_version(CANCELLED, 2)
    folder = contracts.folder

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        lock.release(contracts.root, folder)
    assert (contracts.root / "released.lock").read_bytes() == before
    assert contracts.folder.files == sorted({*folder.files})


@pytest.mark.parametrize("change", [b" ", b"\n", b"\r\n"])
def test_even_space_is_a_change(contracts: Contracts, change: bytes) -> None:
    contracts.release()
    path = contracts.root / CANCELLED / "v1.json"
    path.write_bytes(path.read_bytes() + change)
    assert places(contracts.findings) == [("released-unchanged", f"{CANCELLED}/v1.json", "")]


def test_examples_of_a_released_version_may_still_grow(contracts: Contracts) -> None:
    contracts.release()
    file = f"{CANCELLED}/examples/v1-bad.json"
    contracts.write(file, [*contracts.read(file), contracts.read(file)[0]])
    assert contracts.findings == []


DIGEST = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no line of a lock"),
        (f"{DIGEST} {CANCELLED}/v1.json", "no line of a lock"),
        (f"{DIGEST}  ", "no line of a lock"),
        (f"{DIGEST.upper()}  {CANCELLED}/v1.json", "no line of a lock"),
        (f"{DIGEST}  /etc/passwd", "no version of a schema"),
        (f"{DIGEST}  ../x/v1.json", "no version of a schema"),
        (f"{DIGEST}  {CANCELLED}/examples/v1-full.json", "no version of a schema"),
        ("<<<<<<< HEAD", "no line of a lock"),
        ("\x00\x01", "no line of a lock"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(contracts: Contracts, line: str, said: str) -> None:
    contracts.release()
    path = contracts.root / "released.lock"
    count = len(path.read_text().splitlines())
    path.write_text(f"{path.read_text()}{line}\n")
    (found,) = contracts.findings
    assert (found.rule, found.file, found.line) == ("lock-line", "released.lock", count + 1)
    assert said in found.what


def test_a_path_stands_once_and_in_order(contracts: Contracts) -> None:
    contracts.release()
    path = contracts.root / "released.lock"
    first, second, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([second, first, *rest]))
    assert [(found.rule, found.line) for found in contracts.findings] == [("lock-line", 2)]
    path.write_text("".join([first, first, second, *rest]))
    assert [(found.rule, found.line) for found in contracts.findings] == [("lock-line", 2)]


def test_without_a_lock_nothing_is_released(contracts: Contracts) -> None:
    assert lock.released(contracts.folder) == {}
    assert not Path(contracts.root / "released.lock").exists()
