"""The same files are the same package, whenever and wherever they are zipped."""

import io
import os
import zipfile
from pathlib import Path

import pulumi
import pytest

from bitacora.provision.archives import Packages, zipped
from bitacora.provision.errors import ProvisionError


def folder(at: Path, **files: str) -> Path:
    at.mkdir()
    for name, text in files.items():
        (at / f"{name}.py").write_text(text)
    return at


def names(package: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(package)).namelist()


def test_times_places_and_compiled_files_do_not_count(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", b="2", a="1")
    other = folder(tmp_path / "other", a="1", b="2")
    os.utime(other / "a.py", (0, 0))
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"\0")
    first, second = (zipped(pulumi.FileArchive(str(path))) for path in (one, other))
    assert first == second
    assert names(first) == ["a.py", "b.py"]


def test_one_byte_counts(tmp_path: Path) -> None:
    path = folder(tmp_path / "code", a="1")
    before = zipped(pulumi.FileArchive(str(path)))
    (path / "a.py").write_text("2")
    assert zipped(pulumi.FileArchive(str(path))) != before


def test_assets_lie_where_the_program_puts_them(tmp_path: Path) -> None:
    path = folder(tmp_path / "code", a="1")
    package = zipped(
        pulumi.AssetArchive(
            {
                ".": pulumi.FileArchive(str(path)),
                "lib": pulumi.FileArchive(str(path)),
                "config/x.json": pulumi.StringAsset("{}"),
                "b.py": pulumi.FileAsset(str(path / "a.py")),
            }
        )
    )
    assert names(package) == ["a.py", "b.py", "config/x.json", "lib/a.py"]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="nothing does not exist"):
        zipped(pulumi.FileArchive(str(tmp_path / "nothing")))


def test_equal_archives_are_zipped_once(tmp_path: Path) -> None:
    path, packages = folder(tmp_path / "code", a="1"), Packages()
    first = packages.content(pulumi.AssetArchive({".": pulumi.FileArchive(str(path))}))
    again = packages.content(pulumi.AssetArchive({".": pulumi.FileArchive(str(path))}))
    assert first is again
