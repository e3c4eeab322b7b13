"""The bench measures what it says; what the figures are, it tells by itself."""

import json

import pytest

from benches import snapshots


def test_it_reports_pairs_of_one_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(snapshots, "ROUNDS", 2)
    asked = ["--in-memory", "--commits", "10", "200"]
    assert snapshots.main([*asked, "--json"]) == 0
    short, long = json.loads(capsys.readouterr().out)["in memory"]
    assert (short["commits"], long["commits"]) == (10, 200)
    assert short["snapshot_bytes"] == 0  # and looking for one costs half a unit
    assert short["with_read_units"] == short["without_read_units"] + 0.5
    assert long["snapshot_bytes"] > 0
    assert long["with_read_units"] < long["without_read_units"]
    snapshots.main(asked)
    assert "times faster" in capsys.readouterr().out
