"""What exists is remembered without secrets, and survives a run that is cut off."""

import json
from pathlib import Path

import pytest

from bitacora.provision.errors import ProvisionError
from bitacora.provision.state import StateFile, Stored, changed, digests

QUEUE = Stored("aws:sqs/queue:Queue", "q", digests({"name": "q"}), "url", {"arn": "arn"})


def test_a_resource_is_there_after_a_restart(tmp_path: Path) -> None:
    StateFile(tmp_path / "resources.json").put("urn", QUEUE)
    assert StateFile(tmp_path / "resources.json").resources == {"urn": QUEUE}


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    StateFile(tmp_path / "resources.json").put("urn", QUEUE)
    assert (tmp_path / "resources.json").stat().st_mode & 0o077 == 0


def test_inputs_are_not_stored(tmp_path: Path) -> None:
    secret = Stored("t", "n", digests({"password": "hunter2"}), "id", {})
    StateFile(tmp_path / "resources.json").put("urn", secret)
    assert "hunter2" not in (tmp_path / "resources.json").read_text()


def test_a_half_written_file_beside_it_does_no_harm(tmp_path: Path) -> None:
    StateFile(tmp_path / "resources.json").put("urn", QUEUE)
    (tmp_path / "resources.new").write_text("{")
    state = StateFile(tmp_path / "resources.json")
    state.put("other", QUEUE)
    assert set(json.loads((tmp_path / "resources.json").read_text())) == {"urn", "other"}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "resources.json").write_text("{]")
    with pytest.raises(ProvisionError, match=r"resources\.json is not a state file"):
        StateFile(tmp_path / "resources.json")


def test_changed_added_and_removed_inputs_differ() -> None:
    before = digests({"same": [1, {"a": 2}], "changed": 1, "removed": 1})
    after = digests({"same": [1, {"a": 2}], "changed": 2, "added": 1})
    assert changed(before, after) == {"changed", "removed", "added"}
    assert changed(digests({"code": b"zip"}), digests({"code": b"zip"})) == frozenset()
