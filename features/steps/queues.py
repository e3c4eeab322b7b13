"""Queues on the public way: who listens, and in which order messages come."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import ceil
from typing import Any

from pytest_bdd import given, when

from bitacora.audit.until import until
from features.harness.kit import Kit
from features.harness.witness import Witness

# Functions by the queues that they listen to.
LISTENERS = {"fulfilment": "fulfilment", "ledger": "ledger", "notification": "notifier"}
# Listening ends within a long poll; what was received by then is handled.
STOPPED_WITHIN_S = 60
RECEIVED_AT_ONCE = 10
DOUBLED = 1 / 3
HIDDEN_FOR_S = 60
Mapped = Mapping[str, str]


@given(
    "fulfilment, the ledger and the notification do not listen for a while",
    target_fixture="silenced",
)
def do_not_listen(kit: Kit) -> Iterator[Mapped]:
    """Their functions' mappings are disabled; in the end they listen in every case."""
    with silenced(kit, LISTENERS.values()) as mappings:
        yield mappings


@when("what waits for them is shuffled, and some of it doubled")
def shuffle(kit: Kit, witness: Witness) -> None:
    """Once everything is in their queues: the streams are read to their end."""
    until(
        "everything was published",
        lambda: kit.caught_up("publisher"),
        bool,
        at_most_s=STOPPED_WITHIN_S,
    )
    for listener in LISTENERS:
        count, doubled = _shuffled(kit, kit.outputs["queues"][listener])
        witness.saw("shuffled messages", count)
        witness.struck(f"a message for {listener} comes twice", doubled)
    counts = dict(witness.observed)
    assert counts["shuffled messages"] > len(LISTENERS), "there was nothing to be shuffled"


@when("they listen again")
def listen_again(kit: Kit, silenced: Mapped) -> None:
    for uuid in silenced.values():
        _enable(kit, uuid, enabled=True)


@contextmanager
def silenced(kit: Kit, functions: Iterable[str]) -> Iterator[Mapped]:
    """UUIDs of the mappings by function, disabled inside."""
    lambda_ = kit.target.client("lambda")
    mappings = {}
    for key in functions:
        name = kit.outputs["functions"][key]
        pages = lambda_.get_paginator("list_event_source_mappings").paginate(FunctionName=name)
        [mapping] = [each for page in pages for each in page["EventSourceMappings"]]
        mappings[key] = mapping["UUID"]
    with ExitStack() as ending:
        for uuid in mappings.values():
            ending.callback(_enable, kit, uuid, enabled=True)
            _enable(kit, uuid, enabled=False)
        yield mappings


def _enable(kit: Kit, uuid: str, *, enabled: bool) -> None:
    lambda_ = kit.target.client("lambda")
    lambda_.update_event_source_mapping(UUID=uuid, Enabled=enabled)
    wanted = "Enabled" if enabled else "Disabled"
    until(
        f"the mapping is {wanted}",
        lambda: lambda_.get_event_source_mapping(UUID=uuid)["State"],
        wanted.__eq__,
        at_most_s=STOPPED_WITHIN_S,
    )


def _shuffled(kit: Kit, queue: str) -> tuple[int, int]:
    """Take every message out and put it back in another order, some of them twice; how many there
    were, and how many were doubled. A message is deleted when its copy is there."""
    sqs, random = kit.target.client("sqs"), kit.witness.random
    taken: list[dict[str, Any]] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=RECEIVED_AT_ONCE,
            MessageAttributeNames=["All"],
            VisibilityTimeout=HIDDEN_FOR_S,
        )
        if not (found := answer.get("Messages", [])):
            break
        taken += found
    doubled = random.sample(taken, ceil(len(taken) * DOUBLED))
    copies = taken + doubled
    random.shuffle(copies)
    for message in copies:
        attributes = message.get("MessageAttributes", {})
        sqs.send_message(QueueUrl=queue, MessageBody=message["Body"], MessageAttributes=attributes)
    for message in taken:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return len(taken), len(doubled)
