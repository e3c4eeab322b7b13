"""What exists is remembered without secrets, and survives a run that is cut off."""

from dataclasses import replace
from pathlib import Path

import pytest

from bitacora.provision.errors import ProvisionError
from bitacora.provision.state import StateFile, Stored, changed, digests

QUEUE = Stored("aws:sqs/queue:Queue", "q", digests({"name": "q"}), "url", {"arn": "arn"})


def test_a_resource_is_there_after_a_restart(tmp_path: Path) -> None:
    StateFile(tmp_path / "resources.jsonl").put("urn", QUEUE)
    assert StateFile(tmp_path / "resources.jsonl").resources == {"urn": QUEUE}


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    StateFile(tmp_path / "resources.jsonl").put("urn", QUEUE)
    assert (tmp_path / "resources.jsonl").stat().st_mode & 0o077 == 0


def test_inputs_are_not_stored(tmp_path: Path) -> None:
    secret = Stored("t", "n", digests({"password": "hunter2"}), "id", {})
    StateFile(tmp_path / "resources.jsonl").put("urn", secret)
    assert "hunter2" not in (tmp_path / "resources.jsonl").read_text()


def test_the_newest_line_of_a_resource_counts(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "resources.jsonl")
    state.put("urn", replace(QUEUE, id="older"))
    state.put("urn", QUEUE)
    assert StateFile(tmp_path / "resources.jsonl").resources == {"urn": QUEUE}


@pytest.mark.parametrize("cut_off", ["{", '{"other": {"type": "aws:sqs/queue:Queue"}}'])
def test_a_line_that_was_cut_off_is_none(tmp_path: Path, cut_off: str) -> None:
    StateFile(tmp_path / "resources.jsonl").put("urn", QUEUE)
    with (tmp_path / "resources.jsonl").open("a") as file:
        file.write(cut_off)
    state = StateFile(tmp_path / "resources.jsonl")
    assert set(state.resources) == {"urn"}
    state.put("other", QUEUE)
    assert set(StateFile(tmp_path / "resources.jsonl").resources) == {"urn", "other"}


@pytest.mark.parametrize("broken", ["{]\n", "{}\n", "[]\n", '{"urn": {"id": "queue"}}\n', "\xff\n"])
def test_a_broken_file_is_named(tmp_path: Path, broken: str) -> None:
    (tmp_path / "resources.jsonl").write_text(broken)
    with pytest.raises(ProvisionError, match=r"resources\.jsonl is not a state file"):
        StateFile(tmp_path / "resources.jsonl")


def test_changed_added_and_removed_inputs_differ() -> None:
    before = digests({"same": [1, {"a": 2}], "changed": 1, "removed": 1})
    after = digests({"same": [1, {"a": 2}], "changed": 2, "added": 1})
    assert changed(before, after) == {"changed", "removed", "added"}
    assert changed(digests({"code": b"zip"}), digests({"code": b"zip"})) == frozenset()
