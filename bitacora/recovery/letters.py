"""Dead letters of a target: what waits in its dead-letter queues, looked at and put back.

A standard queue hands out what it likes, keeps approximate counts, and hides what it handed out for
a while. So whoever looks holds messages, and lets go of them at the end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from bitacora.embedded.problem import Problem, UsageProblem
from bitacora.targets import Target, output
from reference_service.cqrs.commit import timestamp

T = TypeVar("T")

# Of ReceiveMessage, DeleteMessageBatch and ChangeMessageVisibilityBatch.
BATCH = 10
# A poll that waits asks every server of the queue, so that an empty answer means that it is empty.
WAIT_S = 1
LOOK_S = 60
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
# How many messages of a queue are looked at for the oldest.
SAMPLE = 100


@dataclass(frozen=True)
class Queue:
    """`way` and `to` say who takes its letters once more (infra/components/service_queue.py)."""

    key: str
    url: str
    way: str
    to: str


@dataclass(frozen=True)
class Letter:
    """`sent` is when it was sent first, in UTC: being moved to a dead-letter queue leaves it.

    Source: "Setting up dead-letter queue retention" of SQS, for standard queues.
    """

    id: str
    body: str
    attributes: Mapping[str, Any]
    sent_ms: int
    received: int
    receipt: str = field(repr=False)

    @property
    def sent(self) -> str:
        return timestamp(datetime.fromtimestamp(self.sent_ms / 1000, UTC))

    def said(self, attribute: str) -> str | None:
        """The text of a message attribute."""
        text: str | None = self.attributes.get(attribute, {}).get("StringValue")
        return text


@dataclass(frozen=True)
class Waiting:
    """`held` are being handled or looked at just now; both counts are approximate.

    `oldest` is the earliest `sent` of up to SAMPLE messages, None when none could be had.
    """

    queue: str
    messages: int
    held: int
    oldest: str | None


def queues(target: Target) -> dict[str, Queue]:
    """Every dead-letter queue by its key. Raises Problem."""
    return {key: Queue(key, **known) for key, known in output(target, "dead_letters").items()}


def queue(target: Target, key: str) -> Queue:
    """Raises UsageProblem for a key that there is not."""
    known = queues(target)
    if key not in known:
        raise UsageProblem(
            f"There is no dead-letter queue {key!r}.", f"There are: {', '.join(sorted(known))}."
        )
    return known[key]


def waiting(target: Target) -> list[Waiting]:
    """Every dead-letter queue that holds something. Raises Problem."""
    sqs = target.client("sqs")
    found = []
    for each in queues(target).values():
        with answered(each.key):
            answer = sqs.get_queue_attributes(QueueUrl=each.url, AttributeNames=list(COUNTS))
            messages, held = (int(answer["Attributes"][name]) for name in COUNTS)
            if messages or held:
                with Reading(sqs, each) as reading:
                    oldest = min((letter.sent for letter in reading.letters(SAMPLE)), default=None)
                found.append(Waiting(each.key, messages, held, oldest))
    return found


class Reading:
    """Messages of a queue, hidden from others for `hidden_s` or until the reading ends."""

    def __init__(self, sqs: Any, queue: Queue, hidden_s: int = LOOK_S) -> None:
        self._sqs = sqs
        self._queue = queue
        self._hidden_s = hidden_s
        self._held: dict[str, Letter] = {}
        self._seen: set[str] = set()

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        """Show again what is still held. What can't be comes back by itself after `hidden_s`."""
        with suppress(BotoCoreError, ClientError):
            for some in tens(self._held.values()):
                self._sqs.change_message_visibility_batch(
                    QueueUrl=self._queue.url,
                    Entries=[
                        {"Id": str(n), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                        for n, letter in enumerate(some)
                    ],
                )

    def letters(self, limit: int | None = None) -> Iterator[Letter]:
        """Each message once, at most `limit`, until the queue has no other."""
        left = limit
        while left is None or left > 0:
            some = self.some(BATCH if left is None else min(left, BATCH))
            if not some:
                return
            left = None if left is None else left - len(some)
            yield from some

    def some(self, most: int = BATCH) -> list[Letter]:
        """Messages that were not seen in this reading; none when the queue has no other."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue.url,
            MaxNumberOfMessages=most,
            WaitTimeSeconds=WAIT_S,
            VisibilityTimeout=self._hidden_s,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        )
        received = [_letter(message) for message in answer.get("Messages", [])]
        self._held |= {letter.id: letter for letter in received}
        new = [letter for letter in received if letter.id not in self._seen]
        self._seen |= {letter.id for letter in new}
        return new

    def delete(self, letters: Sequence[Letter]) -> dict[str, str]:
        """Delete what was read here; why not, for those that are still there."""
        kept: dict[str, str] = {}
        for some in tens(letters):
            answer = self._sqs.delete_message_batch(
                QueueUrl=self._queue.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": letter.receipt} for n, letter in enumerate(some)
                ],
            )
            failed = {int(one["Id"]): one for one in answer.get("Failed", [])}
            for n, letter in enumerate(some):
                if n in failed:
                    kept[letter.id] = failed[n].get("Message") or failed[n]["Code"]
                else:
                    self._held.pop(letter.id, None)
        return kept


def tens(things: Iterable[T]) -> Iterator[list[T]]:
    """In lists that a batch call of SQS takes."""
    left = list(things)
    for start in range(0, len(left), BATCH):
        yield left[start : start + BATCH]


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Errors of the SDK as a Problem about `what`."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Problem(f"{what}: {error}") from error


def _letter(message: Mapping[str, Any]) -> Letter:
    system = message["Attributes"]
    return Letter(
        id=message["MessageId"],
        body=message["Body"],
        attributes=message.get("MessageAttributes", {}),
        sent_ms=int(system["SentTimestamp"]),
        received=int(system["ApproximateReceiveCount"]),
        receipt=message["ReceiptHandle"],
    )
