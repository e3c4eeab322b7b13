"""The verdict as a table of at most 100 columns and as a document."""

import json

from bitacora.audit.consistency import Inconsistency
from load.report import WIDTH, document, table
from load.verdict import Outcome, Verdict

VIOLATED = Verdict(
    outcome=Outcome.VIOLATED,
    reason="30 violations",
    counts={"commands accepted": 5},
    violations=tuple(
        Inconsistency("missing", "ledger", f"order-{n}/1/0", "x" * 200) for n in range(30)
    ),
)


def test_the_table_fits_names_the_verdict_and_says_what_it_leaves_out() -> None:
    lines = table(VIOLATED).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "Verdict: violated, 30 violations"
    assert any("order-0/1/0" in line for line in lines)
    assert lines[-1] == "and 10 more"


def test_the_document_holds_everything() -> None:
    read = json.loads(json.dumps(document(VIOLATED)))
    assert read["verdict"] == "violated"
    assert len(read["violations"]) == 30
    assert read["violations"][0]["subject"] == "order-0/1/0"
