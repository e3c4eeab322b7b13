"""What the service keeps in S3: the ledger of public events, evidence, and failed batches."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from reference_service.aws.faults import code, unavailable_when_transient
from reference_service.cqrs.change import Change

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Ledger:
    """Every public event, once, under its id."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def record(self, event_id: str, cloud_event: bytes) -> bool:
        """Keep the event at events/<event id>.json; False when it was there. Raises Unavailable."""
        try:
            with unavailable_when_transient(f"recording {event_id}"):
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=f"events/{event_id}.json",
                    Body=cloud_event,
                    ContentType="application/cloudevents+json",
                    IfNoneMatch="*",
                )
        except ClientError as error:
            if code(error) != "PreconditionFailed":
                raise
            return False
        return True


class S3Evidence:
    """The records of changes that must not happen to the event store."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, change: Change) -> None:
        with unavailable_when_transient(f"keeping evidence of {change.stream}/{change.number}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{change.stream}/{change.number}/{change.kind.lower()}-{change.id}.json",
                Body=change.record,
                ContentType="application/json",
            )


class ObjectTooLarge(Exception):
    """An object beyond what the reader takes."""


class S3FailedBatches:
    """The on-failure records that event source mappings leave in the failures bucket."""

    def __init__(self, client: "S3Client", bucket: str, *, limit_bytes: int) -> None:
        self._client = client
        self._bucket = bucket
        self._limit_bytes = limit_bytes

    def read(self, key: str) -> bytes:
        """Raises Unavailable, ObjectTooLarge."""
        with unavailable_when_transient(f"reading {key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            if answer["ContentLength"] > self._limit_bytes:
                raise ObjectTooLarge(f"{key} takes {answer['ContentLength']} bytes")
            return answer["Body"].read()
