"""A bucket closed to the world, encrypted, versioned, where failed uploads do not stay."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.deployment import Deployment
from infra.policies import document, refuse_plain_http


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    """Objects expire after `expire_days` (None: never); for `locked_days` nobody deletes them.

    But those who may bypass governance, unless they are `locked_for_all` (compliance).
    """

    deployment: Deployment
    key: str
    expire_days: int | None = None
    locked_days: int | None = None
    locked_for_all: bool = False


class PrivateBucket(pulumi.ComponentResource):
    """Outputs: name, arn."""

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kit:index:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket(
            name,
            bucket=args.deployment.bucket_name(args.key),
            force_destroy=args.deployment.settings.disposable,
            object_lock_enabled=args.locked_days is not None,
            opts=child,
        )
        self.name, self.arn = self.bucket.bucket, self.bucket.arn
        aws.s3.BucketPublicAccessBlock(
            name,
            bucket=self.name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=self.name,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms"},
                    "bucket_key_enabled": True,
                }
            ],
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            name, bucket=self.name, versioning_configuration={"status": "Enabled"}, opts=child
        )
        after_versioning = pulumi.ResourceOptions(parent=self, depends_on=[versioning])
        aws.s3.BucketLifecycleConfiguration(
            name, bucket=self.name, rules=[self._lifecycle(args)], opts=after_versioning
        )
        if args.locked_days is not None:
            mode = "COMPLIANCE" if args.locked_for_all else "GOVERNANCE"
            aws.s3.BucketObjectLockConfiguration(
                name,
                bucket=self.name,
                rule={"default_retention": {"mode": mode, "days": args.locked_days}},
                opts=after_versioning,
            )
        if args.deployment.settings.tls:
            every_object = pulumi.Output.concat(self.arn, "/*")
            aws.s3.BucketPolicy(
                name,
                bucket=self.name,
                policy=document([refuse_plain_http(["s3:*"], self.arn, every_object)]),
                opts=child,
            )
        self.register_outputs({"name": self.name, "arn": self.arn})

    @staticmethod
    def _lifecycle(args: PrivateBucketArgs) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
        rule: aws.s3.BucketLifecycleConfigurationRuleArgsDict = {
            "id": "end-of-life",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            "noncurrent_version_expiration": {"noncurrent_days": 90},
        }
        if args.expire_days is not None:
            rule["expiration"] = {"days": args.expire_days}
        return rule
