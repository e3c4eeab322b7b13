"""Keys of customers in a DynamoDB table, each wrapped by one key of KMS; no backup has them.

An unwrapped key is kept no longer than for what is at hand: an erasure takes effect with the next
read. KMS binds a wrapped key to its customer by the encryption context.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from reference_service.aws.faults import CONDITION_FAILED, code, unavailable_when_transient
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.store import Unavailable
from reference_service.sealing import DataKey
from reference_service.tables import PERSONAL_KEYS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CUSTOMER = PERSONAL_KEYS.partition.name
ROUNDS = 3


class DynamoDBPersonalKeys:
    """`wrapping_key` is the ARN of the key of KMS, `new_id` gives 12 or more hexadecimal digits.

    Who only destroys keys needs neither KMS nor an id.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        kms: Any = None,
        wrapping_key: str = "",
        new_id: Callable[[], str] = str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._table = table
        self._kms = kms
        self._wrapping_key = wrapping_key
        self._new_id = new_id
        self._now = now

    def find(self, customer_id: str) -> DataKey | None:
        item = self._item(customer_id)
        if item is None:
            return None
        key_id = item["key_id"]["S"]
        with unavailable_when_transient(f"unwrapping the key {key_id}"):
            answer = self._kms.decrypt(
                KeyId=self._wrapping_key,
                CiphertextBlob=item["wrapped"]["B"],
                EncryptionContext=_context(customer_id, key_id),
            )
        return DataKey(key_id, answer["Plaintext"])

    def ensure(self, customer_id: str) -> DataKey:
        for _ in range(ROUNDS):
            key = self.find(customer_id) or self._made(customer_id)
            if key:
                return key
        raise Unavailable(f"the key of a customer was destroyed {ROUNDS} times meanwhile")

    def current(self, customer_id: str) -> str | None:
        item = self._item(customer_id)
        return item["key_id"]["S"] if item else None

    def destroy(self, customer_id: str, key_id: str) -> None:
        try:
            with unavailable_when_transient(f"destroying the key {key_id}"):
                self._client.delete_item(
                    TableName=self._table,
                    Key={CUSTOMER: {"S": customer_id}},
                    ConditionExpression="key_id = :key_id",
                    ExpressionAttributeValues={":key_id": {"S": key_id}},
                )
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise

    def _item(self, customer_id: str) -> dict[str, Any] | None:
        with unavailable_when_transient("reading the key of a customer"):
            answer = self._client.get_item(
                TableName=self._table, Key={CUSTOMER: {"S": customer_id}}, ConsistentRead=True
            )
        return answer.get("Item")

    def _made(self, customer_id: str) -> DataKey | None:
        """A new key; None when another was made meanwhile, by whomever."""
        key_id = self._new_id()[:12]
        with unavailable_when_transient("making a key"):
            answer = self._kms.generate_data_key(
                KeyId=self._wrapping_key,
                KeySpec="AES_256",
                EncryptionContext=_context(customer_id, key_id),
            )
        item = {
            CUSTOMER: {"S": customer_id},
            "key_id": {"S": key_id},
            "wrapped": {"B": answer["CiphertextBlob"]},
            "at": {"S": timestamp(self._now())},
        }
        try:
            with unavailable_when_transient("keeping a key"):
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=f"attribute_not_exists({CUSTOMER})",
                )
        except ClientError as error:
            if code(error) == CONDITION_FAILED:
                return None
            raise
        return DataKey(key_id, answer["Plaintext"])


def _context(customer_id: str, key_id: str) -> dict[str, str]:
    return {"customer_id": customer_id, "key_id": key_id}
