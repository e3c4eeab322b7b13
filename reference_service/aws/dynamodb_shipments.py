"""Fulfilment's own table: one record per order, the first one stays."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from reference_service.aws.faults import CONDITION_FAILED, code, unavailable_when_transient
from reference_service.tables import SHIPMENTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ORDER_ID = SHIPMENTS.partition.name


class DynamoDBShipments:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def keep(self, order_id: str, record: str) -> str:
        """Keep the record (JSON text) unless there is one; the record that stands.

        Raises Unavailable; safe to repeat.
        """
        try:
            with unavailable_when_transient(f"keeping the shipment of {order_id}"):
                self._client.put_item(
                    TableName=self._table,
                    Item={ORDER_ID: {"S": order_id}, "record": {"S": record}},
                    ConditionExpression="attribute_not_exists(#order_id)",
                    ExpressionAttributeNames={"#order_id": ORDER_ID},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise
            standing: str = error.response["Item"]["record"]["S"]  # type: ignore[typeddict-item]
            return standing
        return record
