"""The bench measures what it says; what the figures are, it tells by itself."""

import json

import pytest

from benches import contracts


def test_it_reports_ratios_of_one_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(contracts, "ROUNDS", 2)
    contracts.main(["--json"])
    found = json.loads(capsys.readouterr().out)
    assert 900 <= found["body_bytes"] <= 1100
    assert found["ratios"].keys() == found["took_us"].keys() >= found["wanted"].keys()
    assert found["ratios"][contracts.OURS] == 1
    contracts.main([])
    assert "json + jsonschema" in capsys.readouterr().out
