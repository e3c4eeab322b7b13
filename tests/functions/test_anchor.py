"""What was appended is anchored; what fails is raised, so that it is retried and becomes known."""

import pytest

from bitacora.faults import FaultProxy, LoseAnswer, Refuse, Rule
from reference_service.cqrs.anchor import AnchoredHead, decode_part, part_name
from reference_service.cqrs.store import Unavailable
from tests.aws.orders import CONFIRMED, order_commits
from tests.functions.stage import VALUES, Keep, Stage


def anchored(stage: Stage, anchor: int) -> list[AnchoredHead]:
    where = {"Bucket": VALUES["ANCHORS_BUCKET"], "Key": part_name(anchor, 1)}
    return decode_part(stage.client("s3").get_object(**where)["Body"].read())[1]


def test_what_was_appended_is_anchored(stage: Stage, keep: Keep) -> None:
    *_, head = commits = order_commits(911, CONFIRMED[:1], CONFIRMED[1:])
    keep(commits)
    anchor = stage.function("anchor")
    done = anchor.handler({"operation": "anchor"}, None)
    assert (done["complete"], done["overtaken"]) == (True, False)
    heads = anchored(stage, done["anchor"])
    assert len(heads) == done["heads"]
    assert (head.stream, head.commit, head.hash) in heads
    *_, new = commits = order_commits(912, CONFIRMED, at="2027-01-01T00:00:00.000Z")
    keep(commits)
    following = anchor.handler({"operation": "anchor"}, None)
    assert following["anchor"] == done["anchor"] + 1
    heads = anchored(stage, following["anchor"])
    assert (new.stream, new.commit, new.hash) in heads
    assert head.stream not in {stream for stream, _, _ in heads}


@pytest.mark.parametrize(("service", "operation"), [("dynamodb", "Scan"), ("s3", "PUT *")])
def test_what_fails_is_raised_and_done_by_the_next_run(
    stage: Stage, keep: Keep, service: str, operation: str
) -> None:
    keep(order_commits(913, CONFIRMED))
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        anchor = stage.function("anchor", endpoint=proxy.url)
        proxy.inject(Rule(fault=Refuse(), service=service, operation=operation, times=None))
        with pytest.raises(Unavailable):
            anchor.handler({"operation": "anchor"}, None)
        proxy.clear()
        assert anchor.handler({"operation": "anchor"}, None)["complete"] is True


def test_an_object_whose_put_was_not_answered_is_this_run_s_own(stage: Stage, keep: Keep) -> None:
    keep(order_commits(914, CONFIRMED))
    with FaultProxy(lambda: stage.emulator.endpoint) as proxy:
        anchor = stage.function("anchor", endpoint=proxy.url)
        proxy.inject(Rule(fault=LoseAnswer(), service="s3", operation="PUT *", times=1))
        done = anchor.handler({"operation": "anchor"}, None)
    assert (done["complete"], done["overtaken"]) == (True, False)
