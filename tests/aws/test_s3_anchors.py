"""Anchors in a bucket with Object Lock, as infra makes it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reference_service.aws.s3_objects import S3Anchors
from tests.cqrs.anchor_store_contract import *  # noqa: F403
from tests.cqrs.anchor_store_contract import AnchorStoreContract
from tests.emulator import Emulator

BUCKET = "anchors-under-test"


@pytest.fixture(scope="module")
def anchors(emulator: Emulator) -> Iterator[S3Anchors]:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=BUCKET,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    s3.meta.events.register("before-parameter-build.s3.ListObjectsV2", a_page_holds_ten_names)
    yield S3Anchors(s3, BUCKET)
    s3.meta.events.unregister("before-parameter-build.s3.ListObjectsV2", a_page_holds_ten_names)


def a_page_holds_ten_names(params: dict[str, Any], **_: Any) -> None:
    """S3's own hold a thousand."""
    params["MaxKeys"] = 10


class TestS3Anchors(AnchorStoreContract):
    def test_what_is_kept_is_removed_by_nobody(
        self, anchors: S3Anchors, emulator: Emulator, prefix: str
    ) -> None:
        """Not even with root keys that would bypass governance."""
        s3, name = emulator.client("s3"), f"{prefix}a"
        anchors.keep(name, b"one")
        [version] = s3.list_object_versions(Bucket=BUCKET, Prefix=name)["Versions"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(
                Bucket=BUCKET,
                Key=name,
                VersionId=version["VersionId"],
                BypassGovernanceRetention=True,
            )
        assert anchors.read(name) == b"one"
