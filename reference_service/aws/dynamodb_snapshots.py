"""Snapshots in a DynamoDB table: one item per stream, the last one written stays."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reference_service.aws.faults import unavailable_when_transient
from reference_service.cqrs.snapshot import Snapshot
from reference_service.schemas import Undecodable
from reference_service.tables import SNAPSHOTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STREAM = SNAPSHOTS.partition.name


class DynamoDBSnapshots:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def read(self, stream: str) -> Snapshot | None:
        """Eventually consistent, for half the price: an older snapshot is as right."""
        with unavailable_when_transient(f"reading the snapshot of {stream}"):
            answer = self._client.get_item(TableName=self._table, Key={STREAM: {"S": stream}})
        return _from_item(answer["Item"]) if "Item" in answer else None

    def write(self, snapshot: Snapshot) -> None:
        with unavailable_when_transient(f"writing the snapshot of {snapshot.stream}"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    STREAM: {"S": snapshot.stream},
                    "commit": {"N": str(snapshot.commit)},
                    "hash": {"B": bytes.fromhex(snapshot.hash)},
                    "schema": {"S": snapshot.schema},
                    "state": {"B": snapshot.state},
                    "marks": {"B": snapshot.marks},
                },
            )


def _from_item(item: Mapping[str, Any]) -> Snapshot:
    try:
        return Snapshot(
            stream=item[STREAM]["S"],
            commit=int(item["commit"]["N"]),
            hash=item["hash"]["B"].hex(),
            schema=item["schema"]["S"],
            state=item["state"]["B"],
            marks=item["marks"]["B"],
        )
    except (KeyError, ValueError) as fault:
        raise Undecodable(f"an item that is no snapshot: {fault!r}") from fault
