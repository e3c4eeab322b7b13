"""The bench measures what it says; what the figures are, it tells by itself."""

import json
import sys

import pytest

from benches import reads


def test_it_reports_pairs_of_one_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"ROUNDS": 3, "POINTS": 10, "PAGES": 2, "DEPTHS": (0, 5, 10_000)}.items():
        monkeypatch.setattr(reads, name, value)
    # What the bench sets for the function is undone with the rest.
    monkeypatch.setattr(reads.os, "environ", {**reads.os.environ})
    monkeypatch.setattr(reads.postgres, "iam_connect", None)
    monkeypatch.delitem(sys.modules, "reference_service.functions.query", raising=False)
    reads.main(["--orders", "400", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert min(found["point"]["function_us"], found["point"]["sql_us"]) > 0
    assert [page["depth"] for page in found["pages"]] == [0, 5]
    assert found["pages"][0]["ratio"] == 1
    assert found["reached"].keys() == found["wanted"].keys() == {"point", "pages"}
    reads.show(found)
    assert "bare SQL" in capsys.readouterr().out
