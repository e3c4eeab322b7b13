"""Which errors of the AWS SDK are transient."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as SdkConnectionError

from reference_service.cqrs.store import Unavailable

# The answer to a conditional write whose condition does not hold.
CONDITION_FAILED = "ConditionalCheckFailedException"
# Throttling answers that come with a 400; the rest is told by status 429 or 5xx. Source: the
# "Common Errors" page of each service, and the SDK's own retry handling ("Retry behavior").
_THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "ConditionalRequestConflict",
}


def code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def is_transient(error: Exception) -> bool:
    """Connection, timeout, throttling or a fault of the service: repeating may help."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code(error) in _THROTTLED or status == 429 or status >= 500
    return isinstance(error, HTTPClientError | SdkConnectionError)


@contextmanager
def unavailable_when_transient(what: str) -> Iterator[None]:
    """Raise Unavailable("<what>: <error>") for a transient fault; let any other pass."""
    try:
        yield
    except Exception as error:
        if is_transient(error):
            raise Unavailable(f"{what}: {error}") from error
        raise
