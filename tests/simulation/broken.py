"""Parts that break a rule of the design, each as somebody might have written it."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from bitacora.delivery.retries import Answer, Step, Work
from bitacora.simulation.parts import Parts
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.eventbridge_bus import EventBridgeBus
from reference_service.aws.kinesis_log import KinesisLog
from reference_service.cqrs import execution
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import START, after
from reference_service.cqrs.projection import Advance, Delivery, Projected, Projector
from reference_service.cqrs.store import Appended, Conflict, Unavailable, Unknown
from reference_service.fulfilment import shipment


class OverwritingEventStore(DynamoDBEventStore):
    """Its put has no condition."""

    def __init__(self, client: Any, table: str, **more: Any) -> None:
        super().__init__(_Unconditional(client), table, **more)


class _Passing:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class _Unconditional(_Passing):
    def put_item(self, **request: Any) -> Any:
        del request["ConditionExpression"]
        return self._client.put_item(**request)


class BlindEventStore(DynamoDBEventStore):
    """Takes whatever stands in a commit's place for somebody else's."""

    def __init__(self, client: Any, table: str, **more: Any) -> None:
        super().__init__(_Blind(client), table, **more)


class _Blind(_Passing):
    def put_item(self, **request: Any) -> Any:
        try:
            return self._client.put_item(**request)
        except ClientError as error:
            if "Item" in error.response:
                standing = error.response["Item"]  # type: ignore[typeddict-item]
                error.response["Item"] = {**standing, "commit_id": {"S": "?"}}  # type: ignore[typeddict-unknown-key]
            raise


class _Lost(Exception):
    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


def refuse_the_loser(
    request: execution.Request[Any], store: Any, *rest: Any
) -> execution.Outcome[Any, Any]:
    """Who expected a version and lost the race is told so at once."""

    class Impatient:
        load = store.load

        def append(self, commit: Commit) -> Any:
            answer = store.append(commit)
            if isinstance(answer, Conflict) and request.expected_version is not None:
                raise _Lost(answer.winner.version)
            return answer

    try:
        return execution.execute(request, Impatient(), *rest)  # type: ignore[arg-type]
    except _Lost as lost:
        return execution.Stale(lost.version)


class CertainEventStore(DynamoDBEventStore):
    """Takes a put without an answer for one that was not done."""

    def append(self, commit: Commit) -> Appended | Conflict | Unknown:
        answer = super().append(commit)
        if isinstance(answer, Unknown):
            raise Unavailable(answer.reason)
        return answer


def publish_first(service: Any, cloud_event: Mapping[str, Any], now: str) -> str:
    """Tells of a shipment before it is kept, and of one that is not to be."""
    record = shipment.react(cloud_event, now, service.writer.content)
    told = shipment.outgoing(record)
    if told and service.bus.publish([told]) != [True]:
        raise Unavailable("the bus did not confirm")
    service.shipments.keep(record.order_id, shipment.encode(record))
    return "Dispatched" if told else "Withheld"


class HopefulLog(KinesisLog):
    """Does not look at FailedRecordCount."""

    def put(self, entries: Sequence[tuple[str, bytes]]) -> list[bool]:
        done = super().put(entries)
        return [True] * len(done)


class HopefulBus(EventBridgeBus):
    """Does not look at FailedEntryCount."""

    def publish(self, events: Sequence[dict[str, Any]]) -> list[bool]:
        return [True] * len(super().publish(events))


class ByEventId(Projector):
    """Remembers what it has applied, and applies whatever else comes."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._applied: set[str] = set()

    def apply(self, batch: Sequence[Delivery]) -> Projected:
        failed = []
        for delivery in batch:
            try:
                for commit in delivery.commits:
                    if commit.commit_id not in self._applied:
                        self._project_on(commit)
                        self._applied.add(commit.commit_id)
            except Unavailable:
                failed.append(delivery)
        return Projected(failed)

    def _project_on(self, commit: Commit) -> None:
        position = self._read_model.positions([commit.stream])[commit.stream]
        try:
            row = self._project(position.row, commit)
        except ValueError:
            row = position.row
        start = position.gate or START
        self._read_model.advance([Advance(commit.stream, start, after(commit), row, at=commit.at)])


def checkpoint_first(work: Work, answer: Answer, mapping: object) -> Step:
    """What was read is done, whatever became of it."""
    return Step(done=work.records)


BROKEN = {
    "an unconditional put": Parts(event_store=OverwritingEventStore),
    "a lost answer taken for a conflict": Parts(
        event_store=BlindEventStore, execute=refuse_the_loser
    ),
    "an unknown outcome told as a failure": Parts(event_store=CertainEventStore),
    "a shipment published before it is kept": Parts(fulfil=publish_first),
    "FailedRecordCount ignored": Parts(log=HopefulLog),
    "FailedEntryCount ignored": Parts(bus=HopefulBus),
    "events told apart by their ids alone": Parts(projector=ByEventId),
    "a checkpoint before the effect": Parts(follows=checkpoint_first),
    "failed batches left alone": Parts(reconciles=False),
}
