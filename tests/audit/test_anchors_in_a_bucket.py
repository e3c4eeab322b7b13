"""The audit reads anchors from S3: the content that was put first, whatever was put over it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from bitacora.audit.anchors import Anchored, anchored
from bitacora.audit.readers import directly
from bitacora.audit.reading import NAMES, Stores
from reference_service.aws.s3_objects import S3Anchors
from reference_service.cqrs.anchor import anchor_name, part_name
from reference_service.cqrs.anchoring import Anchoring
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.memory import InMemoryEventStore
from tests.cqrs.toy import NOON, chain
from tests.emulator import Emulator

Bucket = tuple[Any, str]
GOVERNANCE = {"Mode": "GOVERNANCE", "Days": 90}


def bucket_of(emulator: Emulator, retention: dict[str, Any] | None, **options: Any) -> Bucket:
    """(S3 client, bucket) with three anchors of two streams."""
    s3, name = emulator.client("s3"), f"anchors-{uuid4()}"
    s3.create_bucket(Bucket=name, **options)
    if retention:
        retain(s3, name, retention)
    events = InMemoryEventStore()
    for commit in [*chain("sum-1", 2), *chain("sum-2", 3)]:
        events.append(commit)
    for hours in range(3):
        now = NOON + timedelta(hours=hours)
        Anchoring(events, S3Anchors(s3, name), lambda at=now: at).go_on(timedelta(hours=1))
    return s3, name


def retain(s3: Any, bucket: str, retention: dict[str, Any]) -> None:
    rule = {"DefaultRetention": retention}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)


@pytest.fixture
def locked(emulator: Emulator) -> Bucket:
    return bucket_of(emulator, GOVERNANCE, ObjectLockEnabledForBucket=True)


def read(bucket: Bucket) -> Anchored:
    s3, name = bucket
    names = dict.fromkeys(NAMES, "unused") | {"anchors_bucket": name}
    stores = Stores(dynamodb=None, s3=s3, database="unused", **names)
    return anchored(directly(stores))


def told(found: Anchored) -> list[tuple[str, str]]:
    return [(finding.kind, finding.detail) for finding in found.findings]


def test_what_was_anchored_is_read(locked: Bucket) -> None:
    found = read(locked)
    assert told(found) == []
    assert (found.anchors, found.lock) == (3, "GOVERNANCE for 90 days")
    assert found.up_to == timestamp(NOON + timedelta(hours=2))
    assert list(found.heads.streams()) == ["sum-1", "sum-2"]
    assert [one.commit for one in found.heads.of("sum-2")] == [3]


def test_what_is_hidden_or_written_over_is_read_as_it_was_and_told(locked: Bucket) -> None:
    s3, name = locked
    s3.delete_object(Bucket=name, Key=anchor_name(2))
    s3.put_object(Bucket=name, Key=part_name(1, 1), Body=b"something else")
    found = read(locked)
    assert (found.anchors, len(found.heads)) == (3, 2)
    assert told(found) == [
        ("broken-anchor", f"{anchor_name(2)} was hidden or written over later"),
        ("broken-anchor", f"{part_name(1, 1)} was hidden or written over later"),
    ]


def test_who_may_bypass_governance_removes_an_anchor_and_is_noticed(locked: Bucket) -> None:
    s3, name = locked
    for version in s3.list_object_versions(Bucket=name, Prefix=anchor_name(2))["Versions"]:
        s3.delete_object(
            Bucket=name,
            Key=version["Key"],
            VersionId=version["VersionId"],
            BypassGovernanceRetention=True,
        )
    found = read(locked)
    assert told(found) == [("broken-anchor", "anchor 2 is missing")]
    assert len(found.heads) == 2


@pytest.mark.parametrize(
    ("retention", "options"),
    [(None, {}), (None, {"ObjectLockEnabledForBucket": True})],
    ids=["without Object Lock", "without a retention"],
)
def test_a_bucket_that_keeps_nothing_is_told_once(
    emulator: Emulator, retention: None, options: dict[str, Any]
) -> None:
    found = read(bucket_of(emulator, retention, **options))
    assert told(found) == [("unlocked-anchor", "their bucket has no lock that keeps them")]
    assert found.anchors == 3


def test_objects_that_are_older_than_the_retention_of_their_bucket_are_told(
    emulator: Emulator,
) -> None:
    s3, name = bucket = bucket_of(emulator, None, ObjectLockEnabledForBucket=True)
    retain(s3, name, GOVERNANCE)
    objects = [named for n in (1, 2, 3) for named in (anchor_name(n), part_name(n, 1))]
    assert told(read(bucket)) == [
        ("unlocked-anchor", f"{named} is not locked") for named in sorted(objects)
    ]
