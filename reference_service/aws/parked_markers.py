"""Parked markers in a DynamoDB table: one item per consumer and stream."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from reference_service.aws.faults import code, unavailable_when_transient
from reference_service.tables import PARKED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

assert PARKED.sort
CONSUMER, STREAM = PARKED.partition.name, PARKED.sort.name


class DynamoDBParkedMarkers:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def park(self, consumer: str, stream: str, commit: int, reason: str) -> None:
        with unavailable_when_transient(f"parking {stream}"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    CONSUMER: {"S": consumer},
                    STREAM: {"S": stream},
                    "commit": {"N": str(commit)},
                    "reason": {"S": reason},
                },
            )

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
            if code(error) != "ConditionalCheckFailedException":
                raise

    def parked(self, consumer: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        after: dict[str, Any] = {}
        if cursor is not None:
            after["ExclusiveStartKey"] = {CONSUMER: {"S": consumer}, STREAM: {"S": cursor}}
        with unavailable_when_transient(f"listing what the {consumer} parked"):
            page = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#consumer = :consumer",
                ProjectionExpression="#stream",
                ExpressionAttributeNames={"#consumer": CONSUMER, "#stream": STREAM},
                ExpressionAttributeValues={":consumer": {"S": consumer}},
                ConsistentRead=True,
                Limit=limit,
                **after,
            )
        last = page.get("LastEvaluatedKey")
        return [item[STREAM]["S"] for item in page["Items"]], last[STREAM]["S"] if last else None
