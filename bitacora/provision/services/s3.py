"""S3 buckets and what is configured on them, one resource per aspect."""

from bitacora.provision.kinds import Made, New, kind

DEFAULT_REGION = "us-east-1"


@kind("aws:s3/bucket:Bucket")
def bucket(new: New) -> Made:
    new.leave("forceDestroy")
    region, name = new.cloud.region, new.inputs["bucket"]
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: us-east-1 is not named.
    place = None if region == DEFAULT_REGION else {"LocationConstraint": region}
    new.create(
        "s3",
        "CreateBucket",
        {"objectLockEnabled": "ObjectLockEnabledForBucket"},
        CreateBucketConfiguration=place,
    )
    return Made(
        name,
        {
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        },
    )


@kind("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def public_access_block(new: New) -> Made:
    return _aspect(new, "PutPublicAccessBlock", "publicAccessBlockConfiguration")


@kind("aws:s3/bucketVersioning:BucketVersioning")
def versioning(new: New) -> Made:
    bucket = new.inputs["bucket"]
    new.create("s3", "PutBucketVersioning")
    return Made(bucket)


@kind("aws:s3/bucketPolicy:BucketPolicy", "policy")
def policy(new: New) -> Made:
    bucket = new.inputs["bucket"]
    new.create("s3", "PutBucketPolicy")
    return Made(bucket)


@kind("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def encryption(new: New) -> Made:
    at = "serverSideEncryptionConfiguration"
    default = f"{at}.rules.applyServerSideEncryptionByDefault"
    return _aspect(
        new,
        "PutBucketEncryption",
        at,
        {f"{default}.sseAlgorithm": "SSEAlgorithm", f"{default}.kmsMasterKeyId": "KMSMasterKeyID"},
    )


@kind("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def lifecycle(new: New) -> Made:
    return _aspect(new, "PutBucketLifecycleConfiguration", "lifecycleConfiguration")


@kind("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
def object_lock(new: New) -> Made:
    bucket, enabled = new.take("bucket"), new.take("objectLockEnabled", "Enabled")
    at = "objectLockConfiguration"
    settings = new.rest_of("s3", "PutObjectLockConfiguration", at)
    new.send(
        "s3",
        "PutObjectLockConfiguration",
        Bucket=bucket,
        ObjectLockConfiguration={"ObjectLockEnabled": enabled, **settings},
    )
    return Made(bucket)


@kind("aws:s3/bucketNotification:BucketNotification")
def notification(new: New) -> Made:
    at = "notificationConfiguration"
    return _aspect(
        new,
        "PutBucketNotificationConfiguration",
        at,
        {f"{at}.queues": "QueueConfigurations", f"{at}.topics": "TopicConfigurations"},
    )


def _aspect(
    new: New, operation: str, configuration: str, renamed: dict[str, str] | None = None
) -> Made:
    """Pulumi puts the configuration beside the bucket, the API in a structure of its own."""
    bucket = new.take("bucket")
    settings = new.rest_of("s3", operation, configuration, renamed)
    member = configuration[0].upper() + configuration[1:]
    new.send("s3", operation, Bucket=bucket, **{member: settings})
    return Made(bucket)
