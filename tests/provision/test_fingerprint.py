"""A program is run again when something has changed that it is made from, and only then."""

from pathlib import Path

import pytest

from bitacora.embedded import fingerprint

CONFIG = {"kit:size": "small"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("infra/__main__.py", "reference_service/order/order.py", "contracts/a/v1.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("before")
    (tmp_path / "Pulumi.yaml").write_text("before")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "Pulumi.yaml",
        "Pulumi.embedded.yaml",
        "infra/__main__.py",
        "infra/components/new.py",
        "reference_service/order/order.py",
        "contracts/a/v1.json",
    ],
)
def test_a_change_of_what_it_is_made_from_counts(project: Path, name: str) -> None:
    before = fingerprint.of(project, CONFIG)
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("after")
    assert fingerprint.of(project, CONFIG) != before


def test_a_file_that_is_deleted_or_renamed_counts(project: Path) -> None:
    before = fingerprint.of(project, CONFIG)
    file = project / "contracts/a/v1.json"
    file = file.rename(file.with_name("v2.json"))
    renamed = fingerprint.of(project, CONFIG)
    file.unlink()
    assert len({before, renamed, fingerprint.of(project, CONFIG)}) == 3


def test_another_configuration_counts(project: Path) -> None:
    assert fingerprint.of(project, CONFIG) != fingerprint.of(project, {"kit:size": "standard"})


@pytest.mark.parametrize("name", ["docs/reading.md", "README.md", "infra/__pycache__/a.pyc"])
def test_anything_else_does_not(project: Path, name: str) -> None:
    before = fingerprint.of(project, CONFIG)
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("after")
    assert fingerprint.of(project, CONFIG) == before
