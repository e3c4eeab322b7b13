"""Reading Kinesis and DynamoDB Streams by their public APIs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from bitacora.delivery.long_polls import waited_s
from bitacora.delivery.records import (
    Record,
    dynamodb_event,
    dynamodb_record,
    kinesis_event,
    kinesis_record,
)
from bitacora.delivery.shards import Position, Shard

PAGE_RECORDS = 1000


class IteratorExpired(Exception):
    """The iterator is too old: open the shard again after the last record read."""


class Trimmed(Exception):
    """The records asked for are past their retention."""


@dataclass(frozen=True)
class Page:
    """Lambda events of the records, the next iterator (None at the end of a closed shard),
    whether the shard has nothing more right now, and how long the cloud waited for more."""

    events: list[dict[str, Any]]
    next: str | None
    caught_up: bool
    waited_s: float = 0.0


class Source(Protocol):
    def shards(self) -> list[Shard]: ...
    def open(self, shard_id: str, position: Position) -> str: ...
    def read(self, shard_id: str, iterator: str) -> Page: ...
    def record(self, event: Mapping[str, Any]) -> Record: ...


class KinesisSource:
    def __init__(self, client: Any, stream_arn: str, role_arn: str) -> None:
        self._client = client
        self._arn = stream_arn
        self._role_arn = role_arn

    def shards(self) -> list[Shard]:
        found: list[Shard] = []
        request = {"StreamARN": self._arn}
        while True:
            page = self._client.list_shards(**request)
            found += [_kinesis_shard(shard) for shard in page["Shards"]]
            if not page.get("NextToken"):
                return found
            request = {"NextToken": page["NextToken"]}

    def open(self, shard_id: str, position: Position) -> str:
        request: dict[str, Any] = {"StreamARN": self._arn, "ShardId": shard_id}
        match position.kind:
            case "AFTER":
                request |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}
                request |= {"StartingSequenceNumber": position.after}
            case "AT_TIMESTAMP":
                request |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": position.since}
            case kind:
                request |= {"ShardIteratorType": kind}
        with _named_faults():
            return str(self._client.get_shard_iterator(**request)["ShardIterator"])

    def read(self, shard_id: str, iterator: str) -> Page:
        with _named_faults():
            page = self._client.get_records(
                ShardIterator=iterator, Limit=PAGE_RECORDS, StreamARN=self._arn
            )
        events = [
            kinesis_event(record, shard_id, self._arn, self._role_arn) for record in page["Records"]
        ]
        caught_up = not events and not page.get("MillisBehindLatest")
        return Page(events, page.get("NextShardIterator"), caught_up, waited_s(page))

    def record(self, event: Mapping[str, Any]) -> Record:
        return kinesis_record(event)


class DynamoDBSource:
    """AT_TIMESTAMP does not exist here: it opens at the horizon; the reader skips older records."""

    def __init__(self, client: Any, stream_arn: str) -> None:
        self._client = client
        self._arn = stream_arn

    def shards(self) -> list[Shard]:
        found: list[Shard] = []
        request = {"StreamArn": self._arn}
        while True:
            page = self._client.describe_stream(**request)["StreamDescription"]
            found += [_dynamodb_shard(shard) for shard in page["Shards"]]
            if not page.get("LastEvaluatedShardId"):
                return found
            request["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]

    def open(self, shard_id: str, position: Position) -> str:
        request: dict[str, Any] = {"StreamArn": self._arn, "ShardId": shard_id}
        match position.kind:
            case "AFTER":
                request |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}
                request |= {"SequenceNumber": position.after}
            case "LATEST":
                request |= {"ShardIteratorType": "LATEST"}
            case _:
                request |= {"ShardIteratorType": "TRIM_HORIZON"}
        with _named_faults():
            return str(self._client.get_shard_iterator(**request)["ShardIterator"])

    def read(self, shard_id: str, iterator: str) -> Page:
        with _named_faults():
            page = self._client.get_records(ShardIterator=iterator, Limit=PAGE_RECORDS)
        events = [dynamodb_event(record, self._arn) for record in page["Records"]]
        return Page(events, page.get("NextShardIterator"), not events, waited_s(page))

    def record(self, event: Mapping[str, Any]) -> Record:
        return dynamodb_record(event)


def _kinesis_shard(shard: Mapping[str, Any]) -> Shard:
    parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
    closed = "EndingSequenceNumber" in shard["SequenceNumberRange"]
    return Shard(shard["ShardId"], tuple(p for p in parents if p), closed)


def _dynamodb_shard(shard: Mapping[str, Any]) -> Shard:
    parent = shard.get("ParentShardId")
    closed = "EndingSequenceNumber" in shard.get("SequenceNumberRange", {})
    return Shard(shard["ShardId"], (parent,) if parent else (), closed)


@contextmanager
def _named_faults() -> Iterator[None]:
    """The two answers that a reader must tell from trouble."""
    try:
        yield
    except ClientError as error:
        match error.response["Error"]["Code"]:
            case "ExpiredIteratorException":
                raise IteratorExpired from error
            case "TrimmedDataAccessException":
                raise Trimmed from error
        raise
