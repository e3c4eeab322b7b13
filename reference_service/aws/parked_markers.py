"""Parked markers in a DynamoDB table: one item per consumer and stream."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from reference_service.aws.faults import CONDITION_FAILED, code, unavailable_when_transient
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.parking import Parked
from reference_service.tables import PARKED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

assert PARKED.sort
CONSUMER, STREAM = PARKED.partition.name, PARKED.sort.name


class DynamoDBParkedMarkers:
    """`now` is asked when a stream is parked."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._table = table
        self._now = now

    def park(self, consumer: str, stream: str, commit: int, reason: str) -> None:
        try:
            with unavailable_when_transient(f"parking {stream}"):
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        CONSUMER: {"S": consumer},
                        STREAM: {"S": stream},
                        "commit": {"N": str(commit)},
                        "reason": {"S": reason},
                        "since": {"S": timestamp(self._now())},
                    },
                    # The same marker stays as it stands: it tells since when.
                    ConditionExpression="attribute_not_exists(#commit)"
                    " OR #commit <> :commit OR #reason <> :reason",
                    ExpressionAttributeNames={"#commit": "commit", "#reason": "reason"},
                    ExpressionAttributeValues={
                        ":commit": {"N": str(commit)},
                        ":reason": {"S": reason},
                    },
                )
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise

    def clear(self, consumer: str, stream: str, up_to: int) -> None:
        try:
            with unavailable_when_transient(f"clearing the marker of {stream}"):
                self._client.delete_item(
                    TableName=self._table,
                    Key={CONSUMER: {"S": consumer}, STREAM: {"S": stream}},
                    ConditionExpression="attribute_not_exists(#commit) OR #commit <= :up_to",
                    ExpressionAttributeNames={"#commit": "commit"},
                    ExpressionAttributeValues={":up_to": {"N": str(up_to)}},
                )
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise

    def find(self, consumer: str, stream: str) -> Parked | None:
        with unavailable_when_transient(f"looking for the marker of {stream}"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#consumer = :consumer AND #stream = :stream",
                ExpressionAttributeNames={"#consumer": CONSUMER, "#stream": STREAM},
                ExpressionAttributeValues={":consumer": {"S": consumer}, ":stream": {"S": stream}},
                ConsistentRead=True,
            )
        return _marker(answer["Items"][0]) if answer["Items"] else None

    def parked(
        self, consumer: str, cursor: str | None, limit: int
    ) -> tuple[list[Parked], str | None]:
        after: dict[str, Any] = {}
        if cursor is not None:
            after["ExclusiveStartKey"] = {CONSUMER: {"S": consumer}, STREAM: {"S": cursor}}
        with unavailable_when_transient(f"listing what the {consumer} parked"):
            page = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#consumer = :consumer",
                ExpressionAttributeNames={"#consumer": CONSUMER},
                ExpressionAttributeValues={":consumer": {"S": consumer}},
                ConsistentRead=True,
                Limit=limit,
                **after,
            )
        last = page.get("LastEvaluatedKey")
        return [_marker(item) for item in page["Items"]], last[STREAM]["S"] if last else None


def _marker(item: Mapping[str, Any]) -> Parked:
    return Parked(
        consumer=item[CONSUMER]["S"],
        stream=item[STREAM]["S"],
        commit=int(item["commit"]["N"]),
        reason=item["reason"]["S"],
        since=item["since"]["S"] if "since" in item else None,
    )
