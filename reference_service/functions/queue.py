"""One way for every queue consumer: each message alone, failures reported, one line printed."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from reference_service.aws.batch_failures import batch_item_failures
from reference_service.aws.metrics import report
from reference_service.aws.sqs_messages import Message, messages
from reference_service.cqrs.store import Unavailable
from reference_service.schemas import Schemas, Undecodable, received

logger = logging.getLogger(__name__)


def consume(
    function: str, event: Mapping[str, Any], work: Callable[[Message], str]
) -> dict[str, Any]:
    """Do `work` for each message; it returns the outcome to count ("Recorded", "Repeated", …).

    Unavailable and Undecodable report that message as failed: the queue delivers it again, and
    after its last attempt puts it on the dead-letter queue.
    """
    counts = {"Failed": 0}
    failed: list[str] = []
    for message in messages(event):
        try:
            outcome = work(message)
        except (Unavailable, Undecodable) as fault:
            logger.warning("%s: message %s failed: %s", function, message.id, fault)
            failed.append(message.id)
            outcome = "Failed"
        counts[outcome] = counts.get(outcome, 0) + 1
    report(function, counts, failed=failed)
    return batch_item_failures(failed)


def consume_events(
    function: str,
    event: Mapping[str, Any],
    schemas: Schemas,
    work: Callable[[dict[str, Any]], str],
) -> dict[str, Any]:
    """The same for messages that are public events: each is held to its contract first."""
    return consume(function, event, lambda message: work(received(schemas, message.body)))
