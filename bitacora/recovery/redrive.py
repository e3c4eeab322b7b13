"""Dead letters sent once more, by the way that each queue's letters came: sent, then deleted."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from bitacora.embedded.problem import Problem
from bitacora.recovery.content import decoded, plain
from bitacora.recovery.letters import BATCH, Letter, Queue, Reading, answered
from bitacora.targets import Target, invoke, output
from reference_service.aws.eventbridge_bus import EventBridgeBus

# Longer than ten invocations of a function that takes a minute.
HIDDEN_S = 900
# Of SendMessageBatch: a batch that is larger is refused as a whole. (SQS takes more by now.)
CALL_BYTES = 256 * 1024

# What was not sent: message id → why.
Unsent: TypeAlias = dict[str, str]


@dataclass
class Redriven:
    """`kept` are still in the queue, because they were not sent: message id → why.

    `repeated` were sent, and are still in the queue because deleting them failed.
    """

    sent: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not (self.kept or self.repeated or self.missing)


def redrive(
    target: Target, queue: Queue, ids: Sequence[str], tell: Callable[[Redriven], None]
) -> Redriven:
    """Send these messages once more, all that were there when it began when `ids` is empty.

    A message that comes back meanwhile is a later one, and stays. Raises Problem.
    """
    send = way(target, queue)
    done = Redriven(missing=list(dict.fromkeys(ids)))
    with answered(queue.key), Reading(target.client("sqs"), queue, HIDDEN_S) as reading:
        began_ms = _now_ms(target, queue)
        for letters in _chosen(reading, done, began_ms):
            _redrive(reading, send, letters, done)
            tell(done)
            if ids and not done.missing:
                break
    return done


def _chosen(reading: Reading, done: Redriven, began_ms: int) -> Iterator[list[Letter]]:
    wanted = set(done.missing)
    while some := reading.some():
        chosen = [
            letter
            for letter in some
            if (letter.id in wanted if wanted else letter.sent_ms < began_ms)
        ]
        done.missing = [one for one in done.missing if one not in {each.id for each in chosen}]
        yield chosen


def _redrive(
    reading: Reading,
    send: Callable[[Sequence[Letter]], Unsent],
    letters: Sequence[Letter],
    done: Redriven,
) -> None:
    for some in _sized(letters):
        unsent = send(some)
        sent = [letter for letter in some if letter.id not in unsent]
        done.kept |= unsent
        done.sent += [letter.id for letter in sent]
        done.repeated |= reading.delete(sent)


def way(target: Target, queue: Queue) -> Callable[[Sequence[Letter]], Unsent]:
    """What sends the queue's letters; it returns what was not sent. Raises Problem without one."""
    match queue.way:
        case "queue":
            return lambda letters: _to_queue(target, output(target, "queues")[queue.to], letters)
        case "bus":
            return lambda letters: _to_bus(target, letters)
        case "function":
            return lambda letters: _to_function(target, queue.to, letters)
        case other:
            raise Problem(
                f"{queue.key} has no way back that this tool knows: {other!r}.",
                f"`bitacora dead-letters {queue.key} --body` shows what it holds.",
            )


def _to_queue(target: Target, url: str, letters: Sequence[Letter]) -> Unsent:
    """Source: SendMessageBatch answers 200 with the messages that it did not take in Failed."""
    entries = [
        {
            "Id": str(n),
            "MessageBody": plain(letter),
            "MessageAttributes": {
                name: {k: v for k, v in value.items() if not k.endswith("ListValues")}
                for name, value in letter.attributes.items()
            },
        }
        for n, letter in enumerate(letters)
    ]
    answer = target.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    return {
        letters[int(one["Id"])].id: one.get("Message") or one["Code"]
        for one in answer.get("Failed", [])
    }


def _to_bus(target: Target, letters: Sequence[Letter]) -> Unsent:
    """To every target of the event's rule, with the same event id: consumers take repeats."""
    events, unsent = list[tuple[str, dict[str, Any]]](), Unsent()
    for letter in letters:
        match decoded(letter):
            case {"source": str(), "type": str(), "time": str(), "id": str()} as event:
                events.append((letter.id, event))
            case _:
                unsent[letter.id] = "it is no public event"
    bus = EventBridgeBus(target.client("events"), output(target, "bus_name"))
    taken = bus.publish([event for _, event in events])
    refused = [one for (one, _), done in zip(events, taken, strict=True) if not done]
    return unsent | dict.fromkeys(refused, "the bus did not confirm it")


def _to_function(target: Target, function: str, letters: Sequence[Letter]) -> Unsent:
    """Invoked once more, waiting for the answer."""
    unsent = Unsent()
    for letter in letters:
        payload = _payload(target, letter)
        if payload is None:
            unsent[letter.id] = "it does not say what the function was asked"
            continue
        try:
            invoke(target, function, payload)
        except Problem as problem:
            unsent[letter.id] = problem.what
    return unsent


def _payload(target: Target, letter: Letter) -> Mapping[str, Any] | None:
    """What a function was invoked with, of its own record or of the rule that invokes it.

    Source: "Capturing records of Lambda asynchronous invocations", requestPayload.
    """
    found: Mapping[str, Any] | None = None
    match decoded(letter):
        case {"requestPayload": {} as payload, "requestContext": {}}:
            found = payload
        case {"operation": str()} as payload:
            found = payload
        case {"detail-type": str()} as event:
            found = _input_of(target, letter) or event
    return found


def _input_of(target: Target, letter: Letter) -> Mapping[str, Any] | None:
    """The constant input that the rule's target has, if the event came by a rule with one."""
    rule = (letter.said("RULE_ARN") or "").partition(":rule/")[2]
    if not rule:
        return None
    bus, _, name = rule.rpartition("/")
    where = {"EventBusName": bus} if bus else {}
    pages = target.client("events").get_paginator("list_targets_by_rule")
    for page in pages.paginate(Rule=name, **where):
        for each in page["Targets"]:
            if each["Arn"] == letter.said("TARGET_ARN") and "Input" in each:
                payload: Mapping[str, Any] = json.loads(each["Input"])
                return payload
    return None


def _sized(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """In batches that one call takes."""
    batch: list[Letter] = []
    size_bytes = 0
    for letter in letters:
        added_bytes = len(letter.body.encode()) + len(str(letter.attributes))
        if batch and (len(batch) == BATCH or size_bytes + added_bytes > CALL_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(letter)
        size_bytes += added_bytes
    if batch:
        yield batch


def _now_ms(target: Target, queue: Queue) -> int:
    """By the clock of the service that stamps messages, to the second it has begun."""
    answer = target.client("sqs").get_queue_attributes(
        QueueUrl=queue.url, AttributeNames=["QueueArn"]
    )
    moment = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    return int(moment.timestamp() * 1000) + 1000
