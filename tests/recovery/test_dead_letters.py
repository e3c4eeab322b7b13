"""Dead letters are looked at without being taken, sent before they are deleted, and never lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from bitacora.embedded.problem import Problem, UsageProblem
from bitacora.faults import FaultProxy, LoseAnswer, Refuse, Rule
from bitacora.recovery.content import content, reasons
from bitacora.recovery.letters import Letter, Queue, Reading, queue, waiting
from bitacora.recovery.redrive import Redriven, redrive
from bitacora.recovery.saved import delete_saved, save
from tests.emulator import Emulator
from tests.recovery.conftest import Post

EVENT = {
    "specversion": "1.0",
    "id": "order-1/2/0",
    "source": "bitacora.orders",
    "type": "OrderPlaced",
    "subject": "order-1",
    "time": "2026-01-01T12:00:00.000Z",
    "data": {"customer_id": "a secret"},
}


def silent(_: Redriven) -> None: ...


def all_of(post: Post, dead: Queue, *ids: str) -> Redriven:
    return redrive(post.target, dead, ids, silent)


def letter(body: Any, **attributes: str) -> Letter:
    text = body if isinstance(body, str) else json.dumps(body)
    named = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
    }
    return Letter("m", text, named, 0, 1, "r")


def test_looking_takes_nothing(post: Post) -> None:
    dead = post.dead_letters("ledger-dlq")
    post.put(dead.url, *"abcdefghijkl")
    with Reading(post.sqs, dead) as reading:
        looked = list(reading.letters(11))
        assert len(looked) == 11
        assert len(post.bodies(dead.url)) == 1
    assert post.bodies(dead.url) == list("abcdefghijkl")


def test_queues_that_hold_something_are_listed_with_the_oldest(post: Post) -> None:
    post.dead_letters("empty-dlq")
    dead = post.dead_letters("ledger-dlq")
    post.put(dead.url, "a", "b")
    [found] = waiting(post.target)
    with Reading(post.sqs, dead) as reading:
        oldest = min(each.sent for each in reading.letters())
    assert (found.queue, found.messages, found.held, found.oldest) == ("ledger-dlq", 2, 0, oldest)


def test_a_queue_that_there_is_not_is_named_with_those_there_are(post: Post) -> None:
    post.dead_letters("ledger-dlq")
    with pytest.raises(UsageProblem) as told:
        queue(post.target, "ledger")
    assert "ledger-dlq" in told.value.remedy


def test_all_are_sent_to_the_main_queue_and_then_gone(post: Post) -> None:
    dead = post.dead_letters("ledger-dlq")
    ids = post.put(dead.url, *(f"body {n:02}" for n in range(25)), trace="t")
    done = all_of(post, dead)
    assert (sorted(done.sent), done.complete) == (sorted(ids), True)
    assert post.bodies(dead.url) == []
    assert post.bodies(post.main) == [f"body {n:02}" for n in range(25)]
    with Reading(post.sqs, Queue("main", post.main, "", "")) as reading:
        assert {each.said("trace") for each in reading.letters()} == {"t"}


def test_chosen_messages_alone_are_sent(post: Post) -> None:
    dead = post.dead_letters("ledger-dlq")
    ids = post.put(dead.url, *"abc")
    done = all_of(post, dead, ids[1], "no-such-id")
    assert (done.sent, done.missing, done.complete) == ([ids[1]], ["no-such-id"], False)
    assert (post.bodies(dead.url), post.bodies(post.main)) == (["a", "c"], ["b"])


def test_what_comes_back_meanwhile_is_not_sent_again(post: Post) -> None:
    """The main queue is the dead-letter queue itself: each message comes back at once."""
    dead = post.dead_letters("ledger-dlq")
    post.outputs["queues"]["main"] = dead.url
    ids = post.put(dead.url, *"abcdefghijklmno")
    done = redrive(post.target, dead, (), silent)
    # What is sent within the second in which the redrive began may pass for older.
    assert set(ids) <= set(done.sent)
    assert post.bodies(dead.url) == list("abcdefghijklmno")


def test_what_the_main_queue_refuses_stays(post: Post) -> None:
    dead = post.dead_letters("ledger-dlq", main=post.url(MaximumMessageSize="1024"))
    large = "x" * 2000
    [_, kept] = post.put(dead.url, "small", large)
    done = all_of(post, dead)
    assert list(done.kept) == [kept]
    assert (post.bodies(dead.url), post.bodies(post.main)) == ([large], ["small"])


def test_nothing_is_deleted_before_it_is_sent(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = post.dead_letters("ledger-dlq")
    post.put(dead.url, *"abc")
    with FaultProxy(lambda: post.sqs.meta.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        proxy.inject(Rule(fault=Refuse(), service="sqs", operation="SendMessageBatch", times=None))
        with pytest.raises(Problem):
            all_of(post, dead)
        assert post.bodies(dead.url) == ["a", "b", "c"]
        proxy.clear()
        assert all_of(post, dead).complete
    assert post.bodies(post.main) == ["a", "b", "c"]


def test_what_was_sent_and_not_deleted_is_sent_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = post.dead_letters("ledger-dlq")
    post.put(dead.url, "a")
    with FaultProxy(lambda: post.sqs.meta.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        proxy.inject(
            Rule(fault=LoseAnswer(), service="sqs", operation="SendMessageBatch", times=None)
        )
        with pytest.raises(Problem):
            all_of(post, dead)
        proxy.clear()
        assert all_of(post, dead).complete
    assert set(post.bodies(post.main)) == {"a"}
    assert post.bodies(dead.url) == []


def test_a_queue_without_a_way_is_refused_before_anything_is_touched(post: Post) -> None:
    dead = post.dead_letters("strange-dlq", way="pigeon")
    post.put(dead.url, "a")
    with pytest.raises(Problem, match="no way back"):
        all_of(post, dead)
    assert post.bodies(dead.url) == ["a"]


def test_what_the_bus_could_not_hand_over_goes_to_the_bus(post: Post, emulator: Emulator) -> None:
    """As EventBridge keeps it, in its envelope, or as its target would have got it."""
    heard = listener(post, emulator)
    dead = post.dead_letters("undelivered-dlq", way="bus")
    envelope = {"detail-type": "OrderPlaced", "source": EVENT["source"], "id": "e", "detail": EVENT}
    [_, _, junk] = post.put(dead.url, json.dumps(envelope), json.dumps(EVENT), "junk")
    done = all_of(post, dead)
    assert [json.loads(body) for body in post.bodies(heard)] == [EVENT, EVENT]
    assert (done.kept, post.bodies(dead.url)) == ({junk: "it is no public event"}, ["junk"])


def listener(post: Post, emulator: Emulator) -> str:
    url = post.url()
    arn = post.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events = emulator.client("events")
    pattern = json.dumps({"source": [EVENT["source"]]})
    events.put_rule(Name="post", EventPattern=pattern)
    target = {"Id": "post", "Arn": arn["QueueArn"], "InputPath": "$.detail"}
    events.put_targets(Rule="post", Targets=[target])
    return url


def test_what_sns_could_not_hand_over_loses_its_envelope(post: Post) -> None:
    dead = post.dead_letters("ledger-dlq")
    notification = {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(EVENT)}
    post.put(dead.url, json.dumps(notification), ErrorMessage="queue is gone")
    assert all_of(post, dead).complete
    assert [json.loads(body) for body in post.bodies(post.main)] == [EVENT]


@pytest.mark.parametrize(
    ("body", "kind", "event_id", "about"),
    [
        (EVENT, "OrderPlaced", "order-1/2/0", "order-1"),
        ({"detail-type": "x", "detail": EVENT}, "OrderPlaced", "order-1/2/0", "order-1"),
        ({"Records": [{"s3": {"object": {"key": "k"}}}]}, "failed stream batch", "k", ""),
        (
            {"requestContext": {"requestId": "r"}, "requestPayload": {"operation": "reconcile"}},
            "failed invocation: reconcile",
            "r",
            "",
        ),
        ({"operation": "reconcile"}, "invocation: reconcile", "", ""),
        ("junk", "unreadable", "", ""),
        ([1], "unreadable", "", ""),
    ],
)
def test_a_letter_is_told_without_what_it_says(
    body: Any, kind: str, event_id: str, about: str
) -> None:
    told = content(letter(body, ERROR_CODE="NO_PERMISSIONS"))
    assert (told.kind, told.id, told.about) == (kind, event_id, about)
    assert "secret" not in str(told)
    assert reasons(letter(body, ERROR_CODE="NO_PERMISSIONS")) == "NO_PERMISSIONS"


def test_nothing_is_deleted_that_was_not_saved(post: Post, tmp_path: Path) -> None:
    dead, file = post.dead_letters("ledger-dlq"), tmp_path / "letters.jsonl"
    ids = post.put(dead.url, "poison", "héllo\nwörld")
    with Reading(post.sqs, dead) as reading:
        save(file, dead, list(reading.letters()))
    [later] = post.put(dead.url, "later")
    assert file.stat().st_mode & 0o777 == 0o600, "what customers said is for its owner alone"
    saved = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(line["body"] for line in saved) == ["héllo\nwörld", "poison"]
    deleted, kept = delete_saved(post.target, dead, file)
    assert (sorted(deleted), kept) == (sorted(ids), {})
    assert post.bodies(dead.url) == ["later"]
    deleted, kept = delete_saved(post.target, dead, file)
    assert (deleted, sorted(kept)) == ([], sorted(ids))
    assert later not in kept


def test_a_saved_file_is_never_written_over_and_never_taken_for_another(
    post: Post, tmp_path: Path
) -> None:
    dead, other = post.dead_letters("ledger-dlq"), post.dead_letters("fulfilment-dlq")
    file = tmp_path / "letters.jsonl"
    post.put(dead.url, "a")
    with Reading(post.sqs, dead) as reading:
        save(file, dead, list(reading.letters()))
        with pytest.raises(UsageProblem, match="cannot be written"):
            save(file, dead, [])
    with pytest.raises(UsageProblem, match="ledger-dlq"):
        delete_saved(post.target, other, file)
    for spoilt in ("no JSON", '{"queue": "ledger-dlq"}', "[1]"):
        file.write_text(spoilt + "\n")
        with pytest.raises(UsageProblem, match="no saved messages"):
            delete_saved(post.target, dead, file)
    with pytest.raises(UsageProblem, match="cannot be read"):
        delete_saved(post.target, dead, tmp_path / "nowhere")
    assert post.bodies(dead.url) == ["a"]
