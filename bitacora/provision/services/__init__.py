"""One file per AWS service: what differs from the general rule. Importing this registers the kinds."""

from bitacora.provision.services import (  # noqa: F401
    dynamodb,
    event_source_mappings,
    iam,
    kinesis,
    lambda_,
    logs,
    sqs,
)
