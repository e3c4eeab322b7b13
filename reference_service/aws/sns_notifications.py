"""Notifications on an SNS topic."""

from typing import TYPE_CHECKING, Any

import msgspec

from reference_service.aws.faults import unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class SNSNotifications:
    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, notification: dict[str, Any]) -> None:
        """Raises Unavailable; a repeat publishes again, under the same id."""
        with unavailable_when_transient(f"publishing {notification['id']}"):
            self._client.publish(
                TopicArn=self._topic_arn, Message=msgspec.json.encode(notification).decode()
            )
