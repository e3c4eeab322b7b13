"""What the service keeps in S3: public events, evidence, anchors of heads, and failed batches."""

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


class S3Anchors:
    """Objects that are written once, in a bucket whose lock sees that they stay."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def names(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2")
        with unavailable_when_transient(f"listing {prefix}"):
            return [
                found["Key"]
                for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
                for found in page.get("Contents", ())
            ]

    def read(self, name: str) -> bytes:
        with unavailable_when_transient(f"reading {name}"):
            return self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()

    def keep(self, name: str, stored: bytes) -> bool:
        """The SDK's own repeat of a put that was not answered meets the object that it put."""
        try:
            with unavailable_when_transient(f"keeping {name}"):
                self._client.put_object(Bucket=self._bucket, Key=name, Body=stored, IfNoneMatch="*")
        except ClientError as error:
            if code(error) != "PreconditionFailed":
                raise
            return self.read(name) == stored
        return True


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
