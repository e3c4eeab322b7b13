"""Pulumi assets and archives as zip files: the same files give the same bytes.

Fixed dates and a sorted order; compiled Python is left out. Paths are relative to the working
directory, as Pulumi's are.
"""

import io
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi

from bitacora.provision.errors import ProvisionError

EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(archive: pulumi.Archive) -> bytes:
    """Raises ProvisionError for a missing path or a remote archive."""
    if isinstance(archive, pulumi.FileArchive) and zipfile.is_zipfile(archive.path):
        return Path(archive.path).read_bytes()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as output:
        for name, data in sorted(_files(archive, "")):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            output.writestr(entry, data)
    return content.getvalue()


def content(asset: pulumi.Asset) -> bytes:
    """The bytes of one asset. Raises ProvisionError for a missing file or a remote asset."""
    [(_, data)] = _files(asset, "")
    return data


class Packages:
    """Zips each archive once: the functions of a service share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zipped: dict[str, bytes] = {}

    def content(self, value: pulumi.Asset | pulumi.Archive) -> bytes:
        """The bytes of an asset, the zip of an archive. Raises as `content` and `zipped` do."""
        if isinstance(value, pulumi.Asset):
            return content(value)
        source = where(value)
        with self._lock:
            if source not in self._zipped:
                self._zipped[source] = zipped(value)
            return self._zipped[source]


def where(value: Any) -> str:
    """What an asset or archive consists of, as text: equal for equal sources."""
    if isinstance(value, pulumi.AssetArchive):
        parts = sorted(f"{name}={where(asset)}" for name, asset in value.assets.items())
        return f"assets({', '.join(parts)})"
    source = getattr(value, "path", None) or getattr(value, "text", None)
    return f"{type(value).__name__}({source})"


def _files(value: Any, at: str) -> Iterator[tuple[str, bytes]]:
    match value:
        case pulumi.AssetArchive():
            for name, asset in value.assets.items():
                yield from _files(asset, os.path.normpath(Path(at) / name))
        case pulumi.FileArchive():
            yield from _folder(Path(value.path), at)
        case pulumi.FileAsset():
            yield at, _read(Path(value.path))
        case pulumi.StringAsset():
            yield at, value.text.encode()
        case _:
            raise ProvisionError(f"{type(value).__name__} is not translated")


def _folder(folder: Path, at: str) -> Iterator[tuple[str, bytes]]:
    if folder.is_file():
        raise ProvisionError(f"{folder} is a file inside an archive, not a folder")
    if not folder.is_dir():
        raise ProvisionError(f"{folder.resolve()} does not exist")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            yield os.path.normpath(Path(at) / path.relative_to(folder)), _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProvisionError(f"{path.resolve()}: {error.strerror}") from error
