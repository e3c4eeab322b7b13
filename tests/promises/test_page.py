"""The page about a run: whole in itself, and nothing that was told is taken for markup."""

import re
from typing import Any
from xml.etree import ElementTree

from features.report.page import by_promise, overall, page
from features.report.timeline import drawn

TIMELINE: dict[str, Any] = {
    "stream": "order-1",
    "exchanges": [
        {
            "who": "ana",
            "what": "pays",
            "began": 0.5,
            "ended": 1.5,
            "outcome": "unknown",
            "version": None,
            "told": "",
        },
        {
            "who": "ana",
            "what": "reads",
            "began": 1.6,
            "ended": 1.7,
            "outcome": "done",
            "version": 2,
            "told": "200 ",
        },
    ],
    "commits": [{"at": 1.0, "commit": 2, "version": 2, "actor": "ana"}],
    "strikes": [{"at": 1.1, "fault": "the answer to an append is lost"}],
}


def told(promise: int | None, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "promise": promise,
        "feature": "Appending",
        "scenario": "A lost answer <script>",
        "replay": "pytest 'x' --seed 1",
        "seconds": 1.25,
        "verdict": verdict,
        "reason": "",
        "steps": [{"keyword": "Given", "name": "an order", "seconds": 0.1, "status": "passed"}],
        "faults": {"the answer to an append is lost": 2},
        "observed": {"answers": 3},
        **more,
    }


def test_the_worst_verdict_of_several_scenarios_is_the_promises() -> None:
    run = [told(3, "holds"), told(3, "unknown"), told(5, "not applicable"), told(5, "holds")]
    verdicts = {number: verdict for number, (verdict, _) in by_promise(run).items()}
    assert (verdicts[3], verdicts[5], verdicts[1]) == ("unknown", "holds", "not run")
    assert overall(run) == "unknown"
    assert overall([]) == "unknown"
    assert overall([*run, told(6, "violated")]) == "violated"


def test_the_page_is_one_file_and_tells_what_struck() -> None:
    text = page([told(3, "violated", reason="<b>lost</b>", timeline=TIMELINE)], {"in": "4 s"})
    assert not re.search(r"""(src|href)=|<script|<b>lost""", text)
    assert "the answer to an append is lost × 2" in text
    assert "&lt;b&gt;lost" in text
    assert "--seed 1" in text
    assert text.count("<svg") == 2


def test_the_picture_holds_every_exchange_commit_and_strike() -> None:
    picture = ElementTree.fromstring(drawn(TIMELINE))
    titles = [each.text for each in picture.iter("title")]
    assert "pays: unknown, " in titles
    assert "reads: done, 200 , version 2" in titles
    assert "commit 2 makes version 2" in titles
    assert "the answer to an append is lost at 1.1 s" in titles
