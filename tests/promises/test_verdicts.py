"""What a scenario amounts to: seen or not, struck or not, possible or not."""

from random import Random

import pytest

from features.harness.customers import Answer, Request
from features.harness.history import Exchange, History
from features.harness.witness import Unknown, Witness
from reference_service.cqrs.commit import Commit
from tests.aws.orders import PLACED, order_commits, order_id

CUSTOMER = "ana"
STREAM = f"order-{order_id(1)}"


def witness() -> Witness:
    return Witness(Random(1), replay="")


def accepted(commit: Commit, status: int = 200) -> Answer:
    body = {"order_id": order_id(1), "version": commit.version, "commit": commit.commit}
    return Answer(status, {}, body)


def placed(commit: Commit, began: float = 1.0) -> Exchange:
    return Exchange(CUSTOMER, Request("/orders", {}, "k1"), began, began + 1, accepted(commit, 201))


def read(version: int, began: float) -> Exchange:
    answer = Answer(200, {}, {"version": version})
    return Exchange(CUSTOMER, f"/orders/{order_id(1)}", began, began + 0.5, answer)


def test_a_scenario_that_saw_nothing_is_unknown() -> None:
    with pytest.raises(Unknown, match="Nothing was observed"):
        witness().judge()


def test_a_fault_that_never_struck_shows_nothing() -> None:
    one = witness()
    one.saw("commits")
    one.expect_strikes("an answer is lost", lambda: 0)
    with pytest.raises(Unknown, match="an answer is lost"):
        one.judge()


def test_what_struck_before_it_was_ordered_does_not_count() -> None:
    one, count = witness(), [3]
    one.saw("commits")
    one.expect_strikes("a batch is repeated", lambda: count[0])
    with pytest.raises(Unknown):
        one.judge()
    count[0] += 2
    one.judge()
    assert one.strikes() == {"a batch is repeated": 2}


def test_an_accepted_order_that_is_stored_and_read_holds() -> None:
    [commit] = order_commits(1, [PLACED])
    told = History([placed(commit), read(1, 3.0), read(1, 4.0)])
    report = told.report({STREAM: [commit]})
    assert report.verdict == "holds"
    assert told.streams() == {STREAM}


def test_an_accepted_order_that_is_not_stored_is_lost() -> None:
    [commit] = order_commits(1, [PLACED])
    told = History([placed(commit)])
    assert told.lost({STREAM: []}) == {STREAM}
    assert told.lost({STREAM: [commit]}) == set()


def test_a_read_that_goes_backwards_is_found() -> None:
    commits = order_commits(1, [PLACED], [])[:1]
    told = History([placed(commits[0]), read(1, 3.0), read(0, 4.0)])
    report = told.report({STREAM: commits})
    assert report.promises["monotonic-reads"] == "violated"


def test_a_commit_that_nobody_asked_for_is_found_unless_another_wrote_it() -> None:
    [commit] = order_commits(1, [PLACED])
    asked = Exchange(CUSTOMER, f"/orders/{order_id(1)}", 1.0, 2.0, Answer(404, {}, {"type": "x"}))
    assert History([asked]).report({STREAM: [commit]}).verdict == "violated"
    others = Exchange("mallory", f"/orders/{order_id(1)}", 1.0, 2.0, Answer(404, {}, {"type": "x"}))
    assert History([others]).report({STREAM: [commit]}).verdict == "holds"


def test_an_error_of_the_gateway_may_have_happened() -> None:
    [commit] = order_commits(1, [PLACED])
    lost = Exchange(CUSTOMER, Request("/orders", {}, "k1"), 1.0, 2.0, Answer(502, {}, {}))
    told = History([lost, placed(commit, began=3.0)])
    assert told.report({STREAM: [commit]}).verdict == "holds"
