"""One file per AWS service: what differs from the general rule. Importing registers the kinds."""

from bitacora.provision.services import (  # noqa: F401
    apigatewayv2,
    cloudwatch,
    dynamodb,
    ec2,
    event_source_mappings,
    events,
    iam,
    kinesis,
    kms,
    lambda_,
    logs,
    rds,
    s3,
    sns,
    sqs,
)
